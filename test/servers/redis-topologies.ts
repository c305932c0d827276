import { startRedis } from './redis.ts'
import type { Topology } from './redis-clients.ts'
import { startCluster } from './redis-cluster.ts'
import type { RedisOptions } from './redis-group.ts'
import { startSentinel } from './redis-sentinel.ts'

/** Servers of some arrangement, as far as their clients have to know it. */
export interface RedisServers {
  /** What a client is told: one server's port, those of the Sentinels, or those of some nodes of a Cluster. */
  readonly ports: readonly number[]
  /** Ends all and removes their files. */
  stop(): Promise<void>
}

/** Starts servers, of whichever arrangement. */
export async function startTopology(topology: Topology, options: RedisOptions = {}): Promise<RedisServers> {
  switch (topology) {
    case 'single': {
      const server = await startRedis(options)
      return { ports: [server.node.port], stop: () => server.stop() }
    }
    case 'sentinel': {
      const servers = await startSentinel(options)
      return { ports: servers.sentinels.map(({ port }) => port), stop: () => servers.stop() }
    }
    case 'cluster': {
      const cluster = await startCluster(options)
      return { ports: cluster.nodes.slice(0, 3).map(({ port }) => port), stop: () => cluster.stop() }
    }
  }
}
