/**
 * Sessions on Cloudflare Workers, with the compatibility flag `nodejs_compat`. `DATABASE_URL` (in production the
 * connection string of Hyperdrive) and `AUTH_KEY` are bindings.
 */
import { getSession, SessionManager } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { type PostgresDatabase, PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'

/** A Worker's connection belongs to the request that opened it: so each statement has its own. */
const db: PostgresDatabase = {
  async query(text, values) {
    const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
    await client.connect()
    try {
      return await client.query<Record<string, unknown>>(text, values)
    } finally {
      await client.end()
    }
  },
}

const manager = new SessionManager({
  store: new PostgresStore({ db }), // migrate() runs where you deploy from
  authKey: process.env.AUTH_KEY,
  cleanupInterval: 0, // no timer outlives a request here
})

/** As much of a Worker's context as is used here. */
interface Context {
  waitUntil(work: Promise<unknown>): void
}

async function answer(request: Request, _env: object, _context: Context): Promise<Response> {
  const session = getSession(manager)
  if (session === undefined) throw new Error('sessions(manager, …) is not around this handler')
  const { pathname } = new URL(request.url)
  switch (`${request.method} ${pathname}`) {
    case 'GET /':
      return new Response(`Hello ${session.userId ?? 'stranger'}\n`)
    case 'POST /sign-in':
      session.setUserId('ada') // after your own check
      break
    case 'POST /sign-out':
      session.destroy()
      break
    default:
      return new Response('no such page\n', { status: 404 })
  }
  return Response.redirect(new URL('/', request.url), 303)
}

const worker = {
  fetch: sessions(manager, answer, {
    address: (request) => request.headers.get('cf-connecting-ip') ?? undefined,
  }),

  /** A cron trigger deletes what has expired. */
  async scheduled(): Promise<void> {
    await manager.cleanup()
  },
}

export { worker as default }
