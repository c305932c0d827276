import type { NodeRedis } from 'coatcheck/stores/redis'
import * as ioredis from 'ioredis'
import * as ioredis5 from 'ioredis5'
import * as iovalkey from 'iovalkey'
import * as redis from 'redis'
import * as redis5 from 'redis5'
import {
  type ClientLibrary,
  type IoredisClient,
  type NodeRedisClient,
  type OpenClient,
  openIoredis,
  openNodeRedis,
} from './redis-clients.ts'

const host = '127.0.0.1'

function onOneServer(name: string, open: (port: number) => Promise<OpenClient>): ClientLibrary {
  return {
    name,
    connect(topology, [port]) {
      if (topology !== 'single' || port === undefined) throw new Error(`${name} is for one server`)
      return open(port)
    },
  }
}

function nodeRedis(
  name: string,
  make: (options: { socket: { host: string; port: number } }) => NodeRedis & NodeRedisClient,
): ClientLibrary {
  return onOneServer(name, (port) => {
    const client = make({ socket: { host, port } })
    return openNodeRedis(client, (_key, ...args) => client.sendCommand(args))
  })
}

function ioredisLike(
  name: string,
  make: (options: { host: string; port: number; lazyConnect: true }) => IoredisClient,
): ClientLibrary {
  return onOneServer(name, (port) => openIoredis(make({ host, port, lazyConnect: true })))
}

/** With what changes the way of a command, or the shape of its reply. */
export const otherWays: readonly ClientLibrary[] = [
  // Each of the two speaks the other version by itself.
  nodeRedis('node-redis 6, RESP2', (to) => redis.createClient({ ...to, RESP: 2 })),
  nodeRedis('node-redis 5, RESP3', (to) => redis5.createClient({ ...to, RESP: 3 })),
  nodeRedis('node-redis 6, replies as bytes', (to) => {
    const typeMapping = { [redis.RESP_TYPES.BLOB_STRING]: Buffer }
    return redis.createClient({ ...to, commandOptions: { typeMapping } })
  }),
  nodeRedis('node-redis 6, a pool', (to) => redis.createClientPool(to, { minimum: 2, maximum: 5 })),
  nodeRedis('node-redis 5, a pool', (to) => redis5.createClientPool(to, { minimum: 2, maximum: 5 })),
  ioredisLike('ioredis 6, RESP2, automatic pipelines', (to) => {
    return new ioredis.Redis({ ...to, protocol: 2, enableAutoPipelining: true })
  }),
  ioredisLike('ioredis 6, replies as of RESP3', (to) => new ioredis.Redis({ ...to, replyMapping: 'resp3' })),
  ioredisLike('ioredis 5, automatic pipelines, numbers as texts', (to) => {
    return new ioredis5.Redis({ ...to, enableAutoPipelining: true, stringNumbers: true })
  }),
  ioredisLike('iovalkey, automatic pipelines', (to) => {
    return new iovalkey.Redis({ ...to, enableAutoPipelining: true })
  }),
]

const keyPrefix = 'app:'

/** With a prefix before every key: `app:`. */
export const withKeyPrefix: readonly ClientLibrary[] = [
  ioredisLike('ioredis 6, automatic pipelines', (to) => {
    return new ioredis.Redis({ ...to, keyPrefix, enableAutoPipelining: true })
  }),
  ioredisLike('ioredis 5', (to) => new ioredis5.Redis({ ...to, keyPrefix })),
  ioredisLike('iovalkey', (to) => new iovalkey.Redis({ ...to, keyPrefix })),
]

/** With what decides when the client gives up by itself, or asks another server. */
export const otherPatience: readonly ClientLibrary[] = [
  ioredisLike('ioredis 6, a timeout, no retry, no queue', (to) => {
    const impatient = { commandTimeout: 1000, maxRetriesPerRequest: 0, enableOfflineQueue: false }
    return new ioredis.Redis({ ...to, ...impatient })
  }),
  ioredisLike('ioredis 5, retries without end', (to) => {
    return new ioredis5.Redis({ ...to, maxRetriesPerRequest: null })
  }),
  ioredisLike('iovalkey, a timeout', (to) => new iovalkey.Redis({ ...to, commandTimeout: 500 })),
  nodeRedis('node-redis 6, a timeout, no queue', (to) => {
    const commandOptions = { timeout: 1000 }
    return redis.createClient({ ...to, disableOfflineQueue: true, commandOptions })
  }),
  nodeRedis('node-redis 5, no queue', (to) => redis5.createClient({ ...to, disableOfflineQueue: true })),
  nodeRedis('node-redis 6, a pool', (to) => redis.createClientPool(to, { minimum: 2, maximum: 5 })),
]
