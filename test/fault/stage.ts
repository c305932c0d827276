import { PostgresStore, type PostgresStoreOptions } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { type Application, type Framework, STORE_TIMEOUT, startApplication } from './application.ts'
import type { Counts } from './counts.ts'
import { SLACK_MS } from './lateness.ts'
import { Load } from './load.ts'

/** What a test of a fault stands on. */
export interface Stage {
  /** The pool of the application. */
  readonly pool: pg.Pool
  readonly store: PostgresStore
  readonly application: Application
  readonly load: Load
}

/** How a stage differs from the usual. */
export interface StageOptions {
  readonly framework?: Framework
  readonly pool?: pg.PoolConfig
  readonly store?: Partial<PostgresStoreOptions>
  readonly people?: number
}

/** Seconds that one request of the store to the database may take. */
const TIMEOUT = 1.5

/**
 * Migrates the database, starts an application over it and people who use it, all closed when the test is over.
 *
 * @param url Where the application connects; the migration goes the same way.
 */
export async function setStage(url: string, options: StageOptions = {}): Promise<Stage> {
  const pool = new pg.Pool({ connectionString: url, ...options.pool })
  const store = new PostgresStore({ db: pool, timeout: TIMEOUT, ...options.store })
  await store.migrate()
  const rejections = watchRejections()
  const application = await startApplication(store, {}, options.framework)
  const load = new Load(application.port, { people: options.people ?? 40 })
  onTestFinished(async () => {
    await load.end()
    await application.close()
    if (!pool.ending) await pool.end()
    expect(rejections).toEqual([])
  })
  return { pool, store, application, load }
}

/** A pool of the test's own, around whatever is done to the application's way to the database. */
export function aPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  return pool
}

/** A disk that takes its time, so that a statement is under way when the fault comes. Once more: another time. */
export async function slowDown(db: pg.Pool, seconds = 0.02): Promise<void> {
  await db.query(`
    create or replace function take_time() returns trigger language plpgsql as
      $$ begin perform pg_sleep(${seconds}); return null; end $$;
    create or replace trigger take_time before update on sessions for each statement execute function take_time()`)
}

/** Nothing was lost, nothing is half there, every request was answered in time, by 200 or 503. */
export function expectUnharmed({ strange, lost, half, slowest, slowestByItself }: Counts): void {
  expect({ strange, lost, half }).toEqual({ strange: [], lost: [], half: [] })
  // Loading the session and committing it may each take the whole of it.
  expect(slowestByItself).toBeLessThan(2 * STORE_TIMEOUT * 1000 + SLACK_MS)
  expect(slowest).toBeLessThan(2 * STORE_TIMEOUT * 1000 + 8000) // however busy the machine is
}

/** @returns a list that every promise which nobody holds joins when it rejects, until the test is over. */
export function watchRejections(): unknown[] {
  const rejections: unknown[] = []
  const note = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  return rejections
}
