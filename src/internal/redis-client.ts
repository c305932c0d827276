import { ConfigError } from '../errors.ts'

/** As much as is used of ioredis or iovalkey: of a client, with or without Sentinel, or of a Cluster. */
export interface Ioredis {
  /** Sends a command to the server that has its first key. */
  call(command: string, ...args: string[]): Promise<unknown>
}

/** As much as is used of node-redis: of a client or a pool. */
export interface NodeRedis {
  /** Sends a command. */
  sendCommand(args: string[], options?: NodeRedisOptions): Promise<unknown>
}

/** As much as is used of node-redis: of a Cluster. */
export interface NodeRedisCluster {
  /** Tells a Cluster from the others. */
  nodeClient(...node: never[]): unknown
  /** Sends a command to the server that has this key. */
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
    options?: NodeRedisOptions,
  ): Promise<unknown>
}

/** As much as is used of node-redis: of a client that Sentinel tells its server. */
export interface NodeRedisSentinel {
  /** Tells Sentinel from the others. */
  getSentinelNode(...nothing: never[]): unknown
  /** Sends a command to the primary, or to a replica if it only reads. */
  sendCommand(isReadonly: boolean | undefined, args: string[], options?: NodeRedisOptions): Promise<unknown>
}

/** Any client of node-redis 5 or later, ioredis 5 or later, or iovalkey. The store never closes it. */
export type RedisClient = Ioredis | NodeRedis | NodeRedisCluster | NodeRedisSentinel

interface NodeRedisOptions {
  /** What replies become, by their type. */
  readonly typeMapping: Record<never, never>
  /** Milliseconds; 0: none. */
  readonly timeout: number
}

/** Sends a command to the server that has the key: a primary, never a replica. */
export type Send = (key: string, command: readonly [name: string, ...args: string[]]) => Promise<unknown>

/**
 * Replies are texts, whatever the application has told its client to make of them. No timeout: the store has its own, and
 * that of node-redis 6 costs ten times what the command does (measured: 54 µs against 6).
 */
const OPTIONS: NodeRedisOptions = { typeMapping: {}, timeout: 0 }

/**
 * Finds how this client sends a command. No import tells the clients apart, because who uses one has no other; the
 * members that are asked for here are each one's alone, in all of its versions since 5.
 *
 * @throws {@link ConfigError} it is none of them.
 */
export function toSend(client: RedisClient): Send {
  // Not `instanceof Object`: where a test runner has globals of its own, a client of node-redis is of Node's.
  if (typeof client !== 'object' || client === null) throw notAClient()
  if ('call' in client) return (_key, command) => client.call(...command)
  if (!('sendCommand' in client)) throw notAClient()
  if ('nodeClient' in client) return (key, command) => client.sendCommand(key, false, [...command], OPTIONS)
  if ('getSentinelNode' in client) return (_key, command) => client.sendCommand(false, [...command], OPTIONS)
  return (_key, command) => client.sendCommand([...command], OPTIONS)
}

/**
 * Finds how to make this client look again for who has a key, where it does not do so by itself. node-redis 5 goes on
 * asking the dead server of a Cluster, for as long as that stays away, and learns of its replacement only from a server
 * that does not have the key (measured: no call was served in three minutes). So any server is asked for it.
 */
export function toLookAgain(client: RedisClient): (key: string) => Promise<unknown> {
  if (!('nodeClient' in client && 'sendCommand' in client)) return async () => undefined
  return (key) => client.sendCommand(undefined, false, ['exists', key], OPTIONS)
}

function notAClient(): ConfigError {
  return new ConfigError('client must be a client of node-redis 5, ioredis 5 or iovalkey, or a later version')
}

/**
 * Makes sure that a lost connection does not end the process: an `error` of a node-redis client that nobody listens
 * for does. The client connects again by itself.
 */
export function hearErrors(client: object): void {
  if (!('listenerCount' in client && 'on' in client)) return
  const emitter = client as {
    listenerCount(event: 'error'): number
    on(event: 'error', hear: () => void): unknown
  } // every client is an EventEmitter
  if (emitter.listenerCount('error') === 0) emitter.on('error', () => {})
}
