import { join } from 'node:path'
import type { Store } from 'coatcheck'
import { EmbeddedStore } from 'coatcheck/stores/embedded'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { RedisStore } from 'coatcheck/stores/redis'
import pg from 'pg'
import { createClient } from 'redis'
import type { Settings } from './settings.ts'

/** A store, and what to close after the manager has closed it. */
export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

/** Opens the sessions: in PostgreSQL or Redis where its URL is known, else in the data folder. */
export function openSessionStore({ databaseUrl, redisUrl, dataFolder }: Settings): Promise<OpenStore> {
  if (databaseUrl !== undefined) return openPostgres(databaseUrl)
  if (redisUrl !== undefined) return openRedis(redisUrl)
  return openEmbedded(join(dataFolder, 'sessions'))
}

async function openPostgres(connectionString: string): Promise<OpenStore> {
  const pool = new pg.Pool({ connectionString })
  const store = new PostgresStore({ db: pool })
  await store.migrate()
  return { store, close: () => pool.end() }
}

async function openRedis(url: string): Promise<OpenStore> {
  const client = createClient({ url })
  const store = new RedisStore({ client })
  await client.connect()
  return { store, close: async () => client.destroy() }
}

async function openEmbedded(folder: string): Promise<OpenStore> {
  const store = await EmbeddedStore.open(folder)
  return { store, close: () => Promise.resolve() }
}
