import type { Ioredis, RedisClient } from 'coatcheck/stores/redis'
import * as ioredis from 'ioredis'
import * as ioredis5 from 'ioredis5'
import * as iovalkey from 'iovalkey'
import * as redis from 'redis'
import * as redis5 from 'redis5'
import { SENTINEL_NAME } from './redis-sentinel.ts'

/** How servers are arranged, and so which kind of client is needed. */
export type Topology = 'single' | 'sentinel' | 'cluster'

/** A client of a user, and how to be rid of it. */
export interface OpenClient {
  /** What a `RedisStore` is given. */
  readonly client: RedisClient
  /** Sends one command as the client's own documentation says, to the node that has `key`. */
  send(key: string, ...args: string[]): Promise<unknown>
  /** Closes it at once, whatever it is waiting for. */
  close(): Promise<void>
}

/** A library, in one of its versions. */
export interface ClientLibrary {
  readonly name: string
  /** @param ports One server's; those of the Sentinels; those of some nodes of the Cluster. */
  connect(topology: Topology, ports: readonly number[]): Promise<OpenClient>
}

type NodeRedisLibrary = typeof redis | typeof redis5

/** A client of node-redis, as far as tests use it. */
export interface NodeRedisClient {
  on(event: 'error', hear: () => void): unknown
  connect(): Promise<unknown>
  destroy(): void
}

/** Connects a client of node-redis. */
export async function openNodeRedis(
  client: RedisClient & NodeRedisClient,
  send: OpenClient['send'],
): Promise<OpenClient> {
  client.on('error', ignore)
  await client.connect()
  // Not close(), which waits for what was sent, and so for ever where a server is gone.
  return { client, send, close: async () => client.destroy() }
}

// The two versions have the same names, and types that TypeScript cannot call through their union.
function nodeRedis(name: string, library: NodeRedisLibrary): ClientLibrary {
  const { createClient, createSentinel, createCluster } = library as typeof redis // reason above
  const makers = {
    single([port]: readonly number[]) {
      const client = createClient({ url: toUrl(port) })
      return { client, send: (_key: string, ...args: string[]) => client.sendCommand(args) }
    },
    sentinel(ports: readonly number[]) {
      const sentinelRootNodes = ports.map((port) => ({ host: '127.0.0.1', port }))
      const client = createSentinel({ name: SENTINEL_NAME, sentinelRootNodes })
      return { client, send: (_key: string, ...args: string[]) => client.sendCommand(false, args) }
    },
    cluster(ports: readonly number[]) {
      const client = createCluster({ rootNodes: ports.map((port) => ({ url: toUrl(port) })) })
      return { client, send: (key: string, ...args: string[]) => client.sendCommand(key, false, args) }
    },
  }
  return {
    name,
    async connect(topology, ports) {
      const { client, send } = makers[topology](ports)
      return openNodeRedis(client, send)
    },
  }
}

type IoredisLibrary = Pick<typeof ioredis5 | typeof ioredis | typeof iovalkey, 'Redis' | 'Cluster'>

/** A client of ioredis or iovalkey, as far as tests use it. */
export interface IoredisClient extends Ioredis {
  on(event: 'error', hear: () => void): unknown
  connect(): Promise<unknown>
  disconnect(): void
}

/** Connects a client of ioredis that was made with `lazyConnect`. */
export async function openIoredis(client: IoredisClient): Promise<OpenClient> {
  client.on('error', ignore)
  await client.connect()
  return {
    client,
    // In lower case: iovalkey finds no key in a command that it does not know, as it does not know GET.
    send: (_key, command = '', ...args) => client.call(command.toLowerCase(), ...args),
    close: async () => client.disconnect(),
  }
}

function ioredisLike(name: string, library: IoredisLibrary): ClientLibrary {
  const { Redis, Cluster } = library as typeof ioredis // the same names, and types of their own
  const makers = {
    single: ([port]: readonly number[]) =>
      new Redis({ host: '127.0.0.1', port: port ?? 0, lazyConnect: true }),
    sentinel(ports: readonly number[]) {
      const sentinels = ports.map((port) => ({ host: '127.0.0.1', port }))
      return new Redis({ name: SENTINEL_NAME, sentinels, lazyConnect: true })
    },
    cluster(ports: readonly number[]) {
      const nodes = ports.map((port) => ({ host: '127.0.0.1', port }))
      return new Cluster(nodes, { lazyConnect: true })
    },
  }
  return {
    name,
    connect: (topology, ports) => openIoredis(makers[topology](ports)),
  }
}

/** Of a server of the tests. */
export function toUrl(port: number | undefined): string {
  return `redis://127.0.0.1:${port}`
}

// Each of these clients ends the process when nobody listens; what fails is told to who waits for it.
function ignore(): void {}

/** Every library that the store works with, in each version that it works with. */
export const libraries: readonly ClientLibrary[] = [
  nodeRedis('node-redis 6', redis),
  nodeRedis('node-redis 5', redis5),
  ioredisLike('ioredis 6', ioredis),
  ioredisLike('ioredis 5', ioredis5),
  ioredisLike('iovalkey', iovalkey),
]
