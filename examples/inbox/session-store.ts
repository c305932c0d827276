import { join } from 'node:path'
import type { Store } from 'coatcheck'
import { EmbeddedStore } from 'coatcheck/stores/embedded'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import type { Settings } from './settings.ts'

/** A store, and what to close after the manager has closed it. */
export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

/** Opens the sessions: in PostgreSQL where its URL is known, else in the data folder. */
export async function openSessionStore({ databaseUrl, dataFolder }: Settings): Promise<OpenStore> {
  if (databaseUrl === undefined) {
    const store = await EmbeddedStore.open(join(dataFolder, 'sessions'))
    return { store, close: () => Promise.resolve() }
  }
  const pool = new pg.Pool({ connectionString: databaseUrl })
  const store = new PostgresStore({ db: pool })
  await store.migrate()
  return { store, close: () => pool.end() }
}
