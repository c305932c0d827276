// The kinds of sessions that are measured. Each is given the framework and the database, and gives the middleware and how a handler
// reads and writes: `user(request)`, `signIn(request, response)`, `change(request, number)`.
import { SessionManager } from '../../dist/index.js'
import { PostgresStore } from '../../dist/stores/postgres.js'
import { RedisStore } from '../../dist/stores/redis.js'
import { handWritten, oneRead } from './limits.mjs'
import { expressSession, fastifySession } from './peers.mjs'

const KEY = 'Zl0nPq9rT2vX5yB8dF1hK4mQ7sU0wA3c'

export const KINDS = {
  none: () => ({ middleware: undefined, user: () => 'ada', signIn() {}, change() {} }),
  select: (given) => oneRead(given),
  get: (given) => oneRead(given),
  limit: (given) => handWritten(given, KEY),
  'limit on hashes': (given) => handWritten({ ...given, store: 'redisHashes' }, KEY),
  coatcheck: (given) => coatcheck(given),
  'express-session tuned': (given) => expressSession(given, KEY, 'tuned'),
  'express-session': (given) => expressSession(given, KEY, 'documented'),
  '@fastify/session tuned': (given) => fastifySession(given, KEY, 'tuned'),
  '@fastify/session': (given) => fastifySession(given, KEY, 'documented'),
}

const STORES = {
  async postgres(pool) {
    const store = new PostgresStore({ db: pool, table: 'bench_coatcheck' })
    await store.migrate()
    return store
  },
  redis: (client) => new RedisStore({ client, prefix: 'bench_coatcheck:' }),
}

async function coatcheck({ framework, tools: { sessionOf }, store: name, database }) {
  const { sessions } = await import(`../../dist/adapters/${framework}.js`)
  const store = await STORES[name](database)
  const middleware = sessions(new SessionManager({ store, authKey: KEY }))
  return {
    middleware: framework === 'fastify' ? (app) => app.register(middleware) : middleware,
    user: (request) => sessionOf(request).userId,
    signIn: (request) => void sessionOf(request).setUserId('ada').set('cart', ['a coat', 'a hat']),
    change: (request, n) => void sessionOf(request).set('n', n),
  }
}
