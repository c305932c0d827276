import { RedisStore } from 'coatcheck/stores/redis'
import { type StoreCase, storeContract, storeRaces } from 'coatcheck/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type ClientLibrary, libraries, type OpenClient, type Topology } from '../servers/redis-clients.ts'
import type { RedisProgram } from '../servers/redis-node.ts'
import { type RedisServers, startTopology } from '../servers/redis-topologies.ts'
import { casesWithoutRaces } from './cases-without-races.ts'

/** The contract and its races, on one arrangement of servers, with every client. */
export function describeRedisStore(topology: Topology, program: RedisProgram): void {
  let servers: RedisServers

  beforeAll(async () => {
    servers = await startTopology(topology, { program })
  })

  afterAll(() => servers?.stop())

  const cases = topology === 'single' && program === 'redis' ? storeContract : casesWithoutRaces
  describeClients(libraries, cases, (library) => library.connect(topology, servers.ports))
}

/** The same with these clients, each of which `connect` connects to servers that run by then. */
export function describeClients(
  some: readonly ClientLibrary[],
  cases: readonly StoreCase[],
  connect: (library: ClientLibrary) => Promise<OpenClient>,
): void {
  let stores = 0

  describe.each(some)('RedisStore with $name', (library) => {
    let clients: readonly [OpenClient, OpenClient]

    beforeAll(async () => {
      clients = [await connect(library), await connect(library)]
    })

    afterAll(() => Promise.all(clients.map((it) => it.close())))

    /** Two stores over the same data, under a prefix that no other case has. */
    const openStores = () => {
      const prefix = `${library.name}-${stores++}:`
      return clients.map(({ client }) => new RedisStore({ client, prefix })) as [RedisStore, RedisStore] // of two
    }

    it.each(cases)('$name', async ({ run }) => {
      await run(openStores()[0])
    })

    describe('over two clients', () => {
      it.each(storeRaces)('$name', async ({ run }) => {
        await run(...openStores())
      })
    })
  })
}
