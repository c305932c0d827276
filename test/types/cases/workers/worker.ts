// no types of Node here: what a Worker or a browser build has to understand
import { SessionManager, type Store } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'

declare const key: string | undefined
const store: Store = new PostgresStore({ db: { query: async () => ({ rows: [] }) } })

export const manager: SessionManager<{ cart: string[] }> = new SessionManager({ store, authKey: key })
