import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { report } from './counts.ts'
import { aPool, expectUnharmed, setStage, slowDown } from './stage.ts'

/** Statements that fail in each test, at least. */
const FAILURES = 30 * scale

describe('statements that fail inside batches, under load', () => {
  let server: PostgresServer
  let url: string

  beforeAll(async () => {
    server = await startPostgres(18)
  })

  afterAll(() => server.stop())

  beforeEach(async () => {
    url = await createDatabase(server.url)
  })

  it(
    'cancelled by an administrator: asked again alone',
    async () => {
      const { pool, load } = await setStage(url)
      const failures = countFailures(pool, '57014')
      const administrator = aPool(url)
      await slowDown(administrator)
      await load.answered(200)
      while (failures() < FAILURES) {
        await administrator.query(
          `select pg_cancel_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid()
             and state = 'active' and query like '%skip locked%'`,
        )
      }
      await load.answered(200)
      const counts = await load.stop(administrator)
      report('statements cancelled', counts, { cancelled: failures() })
      expectUnharmed(counts)
      expect(counts.refused).toBeLessThan(FAILURES / 10)
    },
    120_000 * scale,
  )

  it(
    'failed to be serialised, where that is the isolation of the database: asked again alone',
    async () => {
      const settings = aPool(url)
      const { pathname } = new URL(url)
      await settings.query(
        `alter database ${pathname.slice(1)} set default_transaction_isolation = 'repeatable read'`,
      )
      const { pool, load } = await setStage(url)
      const failures = countFailures(pool, '40001')
      const other = aPool(url)
      await slowDown(other)
      await load.answered(200)
      while (failures() < FAILURES) {
        // Another program changes every record between the snapshot of a statement and its write.
        await other.query(
          'begin isolation level read committed; update sessions set address = address; commit',
        )
        await sleep(5)
      }
      await load.answered(200)
      const counts = await load.stop(aPool(url))
      report('serialisation failures', counts, { failures: failures() })
      expectUnharmed(counts)
      // Alone, a change may fail again.
      expect(counts.refused).toBeLessThan(FAILURES / 3)
    },
    120_000 * scale,
  )
})

/** @returns how many statements of the pool have failed with this SQLSTATE. */
function countFailures(pool: pg.Pool, code: string): () => number {
  let count = 0
  pool.on('release', (error) => {
    if (error && 'code' in error && error.code === code) count += 1
  })
  return () => count
}
