import { RedisStore } from 'coatcheck/stores/redis'
import { storeContract, storeRaces } from 'coatcheck/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { libraries, type OpenClient, type Topology } from '../servers/redis-clients.ts'
import type { RedisProgram } from '../servers/redis-node.ts'
import { type RedisServers, startTopology } from '../servers/redis-topologies.ts'
import { casesWithoutRaces } from './cases-without-races.ts'

/** The contract and its races, on one arrangement of servers, with every client. */
export function describeRedisStore(topology: Topology, program: RedisProgram): void {
  let servers: RedisServers
  let stores = 0

  beforeAll(async () => {
    servers = await startTopology(topology, { program })
  })

  afterAll(() => servers?.stop())

  describe.each(libraries)('RedisStore with $name', (library) => {
    let clients: readonly [OpenClient, OpenClient]

    beforeAll(async () => {
      clients = [
        await library.connect(topology, servers.ports),
        await library.connect(topology, servers.ports),
      ]
    })

    afterAll(() => Promise.all(clients.map((it) => it.close())))

    /** Two stores over the same data, under a prefix that no other case has. */
    const openStores = () => {
      const prefix = `${library.name}-${stores++}:`
      return clients.map(({ client }) => new RedisStore({ client, prefix })) as [RedisStore, RedisStore] // of two
    }

    it.each(topology === 'single' && program === 'redis' ? storeContract : casesWithoutRaces)(
      '$name',
      async ({ run }) => {
        await run(openStores()[0])
      },
    )

    describe('over two clients', () => {
      it.each(storeRaces)('$name', async ({ run }) => {
        await run(...openStores())
      })
    })
  })
}
