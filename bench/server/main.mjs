// One server to measure: `node bench/server/main.mjs <framework> <store> <sessions>`, started by measure.ts, which
// it tells its port. Plain JavaScript on the built package, so that nothing but what users run is measured.
import { DATABASES } from './databases.mjs'
import { FRAMEWORKS } from './frameworks.mjs'
import { KINDS } from './sessions.mjs'

const [framework, store, kind] = process.argv.slice(2)
const { database, sent } = await DATABASES[store](process.env.DATABASE_URL)
const tools = FRAMEWORKS[framework]
const { middleware, user, signIn, change } = await KINDS[kind]({ framework, tools, store, database })
let changes = 0
const routes = {
  '/': (request) => user(request),
  '/in': async (request, response) => {
    await signIn(request, response)
    return 'in'
  },
  '/change': async (request) => {
    await change(request, changes++)
    return user(request)
  },
  '/counters': () => JSON.stringify({ ...process.cpuUsage(), statements: sent() }),
}

const server = await tools.serve(middleware, routes)
server.keepAliveTimeout = 60_000 // or a connection may close under a request, where the machine is slow
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('disconnect', () => process.exit())
