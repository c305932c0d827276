import { SessionManager } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'

/** What the application keeps in its sessions. */
export interface Values {
  clicks: number
  theme: string
  language: string
}

function createManager(): SessionManager<Values> {
  const store = new PostgresStore({ db: new pg.Pool({ connectionString: process.env.DATABASE_URL }) })
  return new SessionManager<Values>({ store, authKey: process.env.AUTH_KEY })
}

// Next.js loads this module several times: for components, for route handlers, for the proxy, and anew after each edit.
const shared = globalThis as { coatcheckManager?: SessionManager<Values> }
shared.coatcheckManager ??= createManager()

/** The one manager of the process. */
export const manager = shared.coatcheckManager
