/** Runs one suite in the runtime at hand, and prints what became of it as a line of JSON: `suites.mjs NAME DATABASE_URL`. */
import type { Context } from 'hono'
import pg from 'pg'
import { fetchHarnessOn } from '../../http/fetch-harness.ts'
import { nodeFetchServer } from '../../http/fetch-server.ts'
import { honoHarnessOn } from '../../http/hono-harness.ts'
import { nodeHarness } from '../../http/node-harness.ts'
import { ownServer } from './servers.ts'
import { runSuite, type Suite } from './suite.ts'
import { httpSuite, memorySuite, postgresSuite, SUITES, signInSuite } from './suites.ts'

const [name, connectionString] = process.argv.slice(2)
const server = ownServer()
// Under @hono/node-server the adapter finds it by itself.
const address = server === nodeFetchServer ? undefined : (c: Context) => server.address(c.req.raw, c.env)
const fetchHarness = fetchHarnessOn(server)
const db = new pg.Pool({ connectionString })

const suites: readonly Suite[] = [
  httpSuite(SUITES.node, nodeHarness),
  httpSuite(SUITES.fetch, fetchHarness),
  httpSuite(SUITES.hono, honoHarnessOn(server, address)),
  memorySuite(),
  postgresSuite(db),
  signInSuite(fetchHarness, db),
]

const suite = suites.find((it) => it.name === name)
if (suite === undefined) throw new Error(`no suite is called ${name}`)
const report = await runSuite(suite)
await db.end()
// It ends by itself: nothing of ours may keep a process alive.
console.log(JSON.stringify(report))
