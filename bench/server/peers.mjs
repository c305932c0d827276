// The libraries that people use today, on connect-pg-simple, by their READMEs but for what the caller overrides.
import fastifyCookie from '@fastify/cookie'
import fastifySessions from '@fastify/session'
import connectPgSimple from 'connect-pg-simple'
import expressSessions from 'express-session'

const MONTH = 30 * 24 * 60 * 60 * 1000

async function aStore(library, pool, options) {
  const Store = connectPgSimple(library)
  await pool.query(`
    create table if not exists bench_peer (sid varchar primary key, sess json not null, expire timestamp(6) not null);
    create index if not exists bench_peer_expire on bench_peer (expire)`)
  return new Store({ pool, tableName: 'bench_peer', ...options })
}

const handlers = {
  user: (request) => request.session.user,
  signIn: (request) => void Object.assign(request.session, { user: 'ada', cart: ['a coat', 'a hat'] }),
  change: (request, n) => void Object.assign(request.session, { n }),
}

export async function expressSession({ pool }, secret, storeOptions) {
  const store = await aStore(expressSessions, pool, storeOptions)
  const cookie = { maxAge: MONTH }
  return {
    middleware: expressSessions({ store, secret, resave: false, saveUninitialized: false, cookie }),
    ...handlers,
  }
}

export async function fastifySession({ pool }, secret, options, storeOptions) {
  const store = await aStore(fastifySessions, pool, storeOptions)
  const cookie = { maxAge: MONTH, secure: false }
  return {
    async middleware(app) {
      await app.register(fastifyCookie)
      await app.register(fastifySessions, { store, secret, saveUninitialized: false, cookie, ...options })
    },
    ...handlers,
  }
}
