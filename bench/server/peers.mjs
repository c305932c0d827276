// The libraries that people use today, on connect-pg-simple or connect-redis: by their READMEs, or tuned.
import fastifyCookie from '@fastify/cookie'
import fastifySessions from '@fastify/session'
import connectPgSimple from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import expressSessions from 'express-session'

const MONTH = 30 * 24 * 60 * 60 * 1000

const STORES = {
  async postgres(pool, library, tuning) {
    const Store = connectPgSimple(library)
    await pool.query(`
      create table if not exists bench_peer (sid varchar primary key, sess json not null, expire timestamp(6) not null);
      create index if not exists bench_peer_expire on bench_peer (expire)`)
    return new Store({ pool, tableName: 'bench_peer', ...tuning })
  },
  redis: (client, _library, tuning) => new RedisStore({ client, prefix: 'bench_peer:', ...tuning }),
}

/** What spares the write that each read costs, and the pruning. */
const TUNING = {
  postgres: { disableTouch: true, pruneSessionInterval: false },
  redis: { disableTouch: true },
}

const handlers = {
  user: (request) => request.session.user,
  signIn: (request) => void Object.assign(request.session, { user: 'ada', cart: ['a coat', 'a hat'] }),
  change: (request, n) => void Object.assign(request.session, { n }),
}

/** @param how `'documented'` or `'tuned'`. */
export async function expressSession({ store: name, database }, secret, how) {
  const store = await STORES[name](database, expressSessions, how === 'tuned' ? TUNING[name] : {})
  const cookie = { maxAge: MONTH }
  return {
    middleware: expressSessions({ store, secret, resave: false, saveUninitialized: false, cookie }),
    ...handlers,
  }
}

/** @param how `'documented'` or `'tuned'`. */
export async function fastifySession({ store: name, database }, secret, how) {
  const store = await STORES[name](database, fastifySessions, how === 'tuned' ? TUNING[name] : {})
  const cookie = { maxAge: MONTH, secure: false }
  const rolling = how !== 'tuned' // true is what it does by itself
  return {
    async middleware(app) {
      await app.register(fastifyCookie)
      await app.register(fastifySessions, { store, secret, saveUninitialized: false, cookie, rolling })
    },
    ...handlers,
  }
}
