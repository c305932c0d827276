import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { otherPatience } from '../servers/redis-settings.ts'
import { scale } from '../servers/scale.ts'
import { countAll, expectNothingLost, freezeAndThaw, killAndStart, setRedisStages } from './redis-stage.ts'

const LONG = { timeout: 120_000 * scale }

describe('one server of Redis under load, by clients with a patience of their own', LONG, () => {
  let server: RedisServer

  beforeAll(async () => {
    // A write reaches the system before its answer leaves, and the system outlives the server.
    server = await startRedis({ settings: { appendonly: 'yes', appendfsync: 'no' } })
  })

  afterAll(() => server?.stop())

  it('killed and started again, it loses nothing, and needs no restart of theirs', async () => {
    const stages = await setRedisStages('single', [server.node.port], { clients: otherPatience })
    await killAndStart(stages, server.node)
    for (const counts of await countAll('killed and restarted', stages, [server.node]))
      expectNothingLost(counts)
  })

  it('frozen, it stops no request for longer than the deadline, and all goes on when it thaws', async () => {
    const stages = await setRedisStages('single', [server.node.port], { clients: otherPatience })
    await freezeAndThaw(stages, server.node)
    for (const counts of await countAll('frozen and thawed', stages, [server.node])) expectNothingLost(counts)
  })
})
