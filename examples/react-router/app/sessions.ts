import { getSession, type Session, SessionManager } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { createContext, type MiddlewareFunction, type RouterContextProvider } from 'react-router'

/** What the application keeps in its sessions. */
export interface Values {
  clicks: number
  theme: string
  language: string
}

const store = new PostgresStore({ db: new pg.Pool({ connectionString: process.env.DATABASE_URL }) })
await store.migrate()
const manager = new SessionManager<Values>({ store, authKey: process.env.AUTH_KEY })

/** Where loaders and actions find the session: `context.get(sessionContext)`. */
export const sessionContext = createContext<Session<Values>>()

const run = sessions(
  manager,
  (_request: Request, context: Readonly<RouterContextProvider>, next: () => Promise<Response>) => {
    const session = getSession(manager)
    if (session !== undefined) context.set(sessionContext, session)
    return next()
  },
)

/** The middleware for the root route. What `next()` answers, error pages and redirects included, waits for the commit. */
export const sessionMiddleware: MiddlewareFunction<Response> = ({ request, context }, next) =>
  run(request, context, next)
