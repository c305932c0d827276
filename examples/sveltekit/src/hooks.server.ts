import type { Handle, RequestEvent, ResolveOptions, ServerInit } from '@sveltejs/kit'
import { getSession, SessionManager } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { env } from '$env/dynamic/private'

const db = new pg.Pool({ connectionString: env.DATABASE_URL })
const store = new PostgresStore({ db })
const manager = new SessionManager<Values>({ store, authKey: env.AUTH_KEY })

export const init: ServerInit = async () => {
  await store.migrate()
  // adapter-node's word for the moment after the last answer
  process.once('sveltekit:shutdown', async () => {
    await manager.close()
    await db.end()
  })
}

type Resolve = (event: RequestEvent, options?: ResolveOptions) => Response | Promise<Response>

const withSession = sessions(
  manager,
  (_request: Request, event: RequestEvent, resolve: Resolve) => {
    const session = getSession(manager)
    if (session !== undefined) event.locals.session = session
    return resolve(event)
  },
  { address: (_request, event) => event.getClientAddress() },
)

export const handle: Handle = ({ event, resolve }) => withSession(event.request, event, resolve)
