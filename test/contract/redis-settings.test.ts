import { RedisStore } from 'coatcheck/stores/redis'
import { aRecord, NOW, storeRaces } from 'coatcheck/testing'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import type { OpenClient } from '../servers/redis-clients.ts'
import { otherWays, withKeyPrefix } from '../servers/redis-settings.ts'
import { casesWithoutRaces } from './cases-without-races.ts'
import { describeClients } from './redis-contract.ts'

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server?.stop())

describe('Redis on one server, by clients with settings of their own', () => {
  describeClients(otherWays, casesWithoutRaces, (library) => library.connect('single', [server.node.port]))
})

describe.each(withKeyPrefix)('RedisStore with the keyPrefix of $name', (library) => {
  let prefixing: OpenClient
  let plain: Redis
  let stores = 0

  beforeAll(async () => {
    await server.node.command('flushall')
    prefixing = await library.connect('single', [server.node.port])
    plain = new Redis(server.node.port, '127.0.0.1')
  })

  afterAll(async () => {
    await prefixing?.close()
    plain?.disconnect()
  })

  /** Two over the same data: of the second the store itself puts before its keys what the client does of the first. */
  const openStores = () => {
    const prefix = `${stores++}:`
    return [
      new RedisStore({ client: prefixing.client, prefix }),
      new RedisStore({ client: plain, prefix: `app:${prefix}` }),
    ] as const
  }

  it.each(casesWithoutRaces)('$name', async ({ run }) => {
    await run(openStores()[0])
  })

  describe('beside a client without one, whose store has it in its own prefix', () => {
    it.each(storeRaces)('$name', async ({ run }) => {
      await run(...openStores())
    })
  })

  it('has it before every key', async () => {
    await server.node.command('flushall')
    await openStores()[0].create(aRecord({ userId: 'ada' }), NOW)
    const keys = await plain.keys('*')
    expect(keys).toHaveLength(3)
    expect(keys.filter((key) => !key.startsWith('app:'))).toEqual([])
  })
})

it('RedisStore has its own prefix alone where node-redis has a keyPrefix', async () => {
  await server.node.command('flushall')
  const client = createClient({ socket: { port: server.node.port }, keyPrefix: 'app:' })
  onTestFinished(() => client.destroy())
  await client.connect()
  const record = aRecord({ userId: 'ada' })
  await new RedisStore({ client, prefix: 'p:' }).create(record, NOW)
  const keys = await server.node.command('keys', '*')
  expect(keys).toHaveLength(3)
  expect(keys).toEqual(expect.arrayContaining([`p:{${record.id}}`, 'p:u{ada}']))
})
