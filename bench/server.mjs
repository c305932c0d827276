// One server to measure: `node bench/server.mjs <framework> <sessions>`, started by run.ts, which it tells its port.
// Plain JavaScript on the built package, so that nothing but what users run is measured.
import { createHmac, createSecretKey, randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import connectPgSimple from 'connect-pg-simple'
import express from 'express'
import expressSession from 'express-session'
import pg from 'pg'
import { sessions as expressSessions } from '../dist/adapters/express.js'
import { sessions as nodeSessions } from '../dist/adapters/node.js'
import { SessionManager } from '../dist/index.js'
import { PostgresStore } from '../dist/stores/postgres.js'

const [framework, kind] = process.argv.slice(2)
const KEY = 'Zl0nPq9rT2vX5yB8dF1hK4mQ7sU0wA3c'
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
pool.on('error', () => {})

/** A middleware `(req, res, next)`, or none, and how a handler reads and writes the user. */
const KINDS = {
  none: async () => ({ middleware: undefined, user: () => 'ada', signIn() {}, change() {} }),
  limit: async () => handWritten(),
  coatcheck: async () => {
    const store = new PostgresStore({ db: pool, table: 'bench_coatcheck' })
    await store.migrate()
    const manager = new SessionManager({ store, authKey: KEY })
    return {
      middleware: framework === 'express' ? expressSessions(manager) : nodeSessions(manager),
      user: (req) => req.session.userId,
      signIn: (req) => req.session.setUserId('ada').set('cart', ['a coat', 'a hat']),
      change: (req, n) => req.session.set('n', n),
    }
  },
  'express-session': async () => peer({}),
  'express-session tuned': async () => peer({ disableTouch: true, pruneSessionInterval: false }),
}

async function peer(options) {
  const Store = connectPgSimple(expressSession)
  await pool.query(`
    create table if not exists bench_peer (sid varchar primary key, sess json not null, expire timestamp(6) not null);
    create index if not exists bench_peer_expire on bench_peer (expire)`)
  const store = new Store({ pool, tableName: 'bench_peer', ...options })
  return {
    middleware: expressSession({
      store,
      secret: KEY,
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: 30 * 24 * 60 * 60 * 1000 },
    }),
    user: (req) => req.session.user,
    signIn: (req) => Object.assign(req.session, { user: 'ada', cart: ['a coat', 'a hat'] }),
    change: (req, n) => Object.assign(req.session, { n }),
  }
}

/** The limit: an HMAC, and one SELECT for all the requests that came while the last one was under way. */
async function handWritten() {
  await pool.query(`create table if not exists bench_limit (id text primary key, values jsonb not null, expires_at timestamptz not null);
    truncate bench_limit`)
  const insert = `insert into bench_limit values ($1, '{"user":"ada","cart":["a coat","a hat"]}', now() + interval '30 days')`
  const key = createSecretKey(KEY, 'utf8')
  const mac = (id) => createHmac('sha256', key).update(id).digest()
  let waiting = []
  let isBusy = false
  const flush = async () => {
    const batch = waiting
    waiting = []
    const ids = `{${batch.map(({ id }) => `"${id}"`).join(',')}}`
    const text =
      'select id, values::text as values from bench_limit where id = any($1::text[]) and expires_at > now()'
    const { rows } = await pool.query({ name: 'get', text, values: [ids] })
    const byId = new Map(rows.map((row) => [row.id, row.values]))
    for (const { id, resolve } of batch) resolve(byId.get(id))
    setImmediate(() => {
      isBusy = false
      next()
    })
  }
  const next = () => {
    if (isBusy || waiting.length === 0) return
    isBusy = true
    void flush()
  }
  const read = (id) =>
    new Promise((resolve) => {
      waiting.push({ id, resolve })
      next()
    })
  const update = `update bench_limit set values = values || $2::text::jsonb where id = $1`
  return {
    middleware: async (req, _res, proceed) => {
      const found = /(?:^|; )limit=([^.;]+)\.([^;]+)/.exec(req.headers.cookie ?? '')
      if (found && timingSafeEqual(mac(found[1]), Buffer.from(found[2], 'base64url'))) {
        req.id = found[1]
        req.session = JSON.parse(await read(found[1]))
      }
      proceed()
    },
    user: (req) => req.session?.user,
    signIn: async (_req, res) => {
      const id = randomUUID()
      await pool.query(insert, [id])
      res.setHeader('Set-Cookie', `limit=${id}.${mac(id).toString('base64url')}`)
    },
    change: (req, n) => pool.query({ name: 'set', text: update, values: [req.id, JSON.stringify({ n })] }),
  }
}

const { middleware, user, signIn, change } = await KINDS[kind]()
let changes = 0

async function handle(req, res) {
  if (req.url === '/in') await signIn(req, res)
  else if (req.url === '/change') await change(req, changes++)
  else if (req.url === '/cpu') return res.end(JSON.stringify(process.cpuUsage()))
  res.end(req.url === '/in' ? 'in' : user(req))
}

function toListener() {
  if (framework === 'express') {
    const app = express().disable('x-powered-by').disable('etag')
    if (middleware) app.use(middleware)
    return app.use(handle)
  }
  return (req, res) => (middleware ? middleware(req, res, () => handle(req, res)) : handle(req, res))
}

const server = createServer(toListener()).listen(0, '127.0.0.1', () =>
  process.send({ port: server.address().port }),
)
process.on('disconnect', () => process.exit())
