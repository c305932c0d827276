/** Runs one suite in the runtime at hand, and prints what became of it as a line of JSON: `suites.mjs NAME DATABASE_URL REDIS_PORT`. */
import type { Context } from 'hono'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createClient } from 'redis'
import { fetchHarnessOn } from '../../http/fetch-harness.ts'
import { nodeFetchServer } from '../../http/fetch-server.ts'
import { honoHarnessOn } from '../../http/hono-harness.ts'
import { nodeHarness } from '../../http/node-harness.ts'
import { ownServer } from './servers.ts'
import { runSuite, type Suite } from './suite.ts'
import { httpSuite, memorySuite, postgresSuite, redisSuite, SUITES, signInSuite } from './suites.ts'

const [name, connectionString, redisPort] = process.argv.slice(2)
const server = ownServer()
// Under @hono/node-server the adapter finds it by itself.
const address = server === nodeFetchServer ? undefined : (c: Context) => server.address(c.req.raw, c.env)
const fetchHarness = fetchHarnessOn(server)
const db = new pg.Pool({ connectionString })
const ioredis = new Redis(Number(redisPort), '127.0.0.1', { lazyConnect: true })
const nodeRedis = createClient({ socket: { host: '127.0.0.1', port: Number(redisPort) } })

const suites: readonly Suite[] = [
  httpSuite(SUITES.node, nodeHarness),
  httpSuite(SUITES.fetch, fetchHarness),
  httpSuite(SUITES.hono, honoHarnessOn(server, address)),
  memorySuite(),
  postgresSuite(db),
  signInSuite(fetchHarness, db),
  redisSuite(SUITES.ioredisAlone, ioredis),
  redisSuite(SUITES.nodeRedisAlone, nodeRedis),
]

const suite = suites.find((it) => it.name === name)
if (suite === undefined) throw new Error(`no suite is called ${name}`)
if (name === SUITES.nodeRedisAlone) await nodeRedis.connect()
const report = await runSuite(suite)
await db.end()
ioredis.disconnect()
if (nodeRedis.isOpen) nodeRedis.destroy()
// It ends by itself: nothing of ours may keep a process alive.
console.log(JSON.stringify(report))
