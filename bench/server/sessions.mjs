// The kinds of sessions that are measured. Each is given the framework, and gives the middleware and how a handler
// reads and writes: `user(request)`, `signIn(request, response)`, `change(request, number)`.
import { SessionManager } from '../../dist/index.js'
import { PostgresStore } from '../../dist/stores/postgres.js'
import { handWritten, oneSelect } from './limits.mjs'
import { expressSession, fastifySession } from './peers.mjs'

const KEY = 'Zl0nPq9rT2vX5yB8dF1hK4mQ7sU0wA3c'

export const KINDS = {
  none: () => ({ middleware: undefined, user: () => 'ada', signIn() {}, change() {} }),
  select: (given) => oneSelect(given),
  limit: (given) => handWritten(given, KEY),
  coatcheck: (given) => coatcheck(given),
  'express-session tuned': (given) =>
    expressSession(given, KEY, { disableTouch: true, pruneSessionInterval: false }),
  'express-session': (given) => expressSession(given, KEY, {}),
  '@fastify/session tuned': (given) =>
    fastifySession(given, KEY, { rolling: false }, { pruneSessionInterval: false }),
  '@fastify/session': (given) => fastifySession(given, KEY, {}, {}),
}

async function coatcheck({ framework, tools: { sessionOf }, pool }) {
  const { sessions } = await import(`../../dist/adapters/${framework}.js`)
  const store = new PostgresStore({ db: pool, table: 'bench_coatcheck' })
  await store.migrate()
  const middleware = sessions(new SessionManager({ store, authKey: KEY }))
  return {
    middleware: framework === 'fastify' ? (app) => app.register(middleware) : middleware,
    user: (request) => sessionOf(request).userId,
    signIn: (request) => void sessionOf(request).setUserId('ada').set('cart', ['a coat', 'a hat']),
    change: (request, n) => void sessionOf(request).set('n', n),
  }
}
