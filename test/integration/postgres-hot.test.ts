import { PostgresStore } from 'coatcheck/stores/postgres'
import { aChange, aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

it.each([14, 18] as const)('touches and saves stay heap-only on PostgreSQL %i', async (major) => {
  const pool = new pg.Pool({ connectionString: await createDatabase(inject('postgres')[major]), max: 1 })
  const store = new PostgresStore({ db: pool })
  await store.migrate()
  const records = Array.from({ length: 60 }, (_, n) => aRecord({ userId: `user${n}`, values: `{"n":${n}}` }))
  await Promise.all(records.map((record) => store.create(record, NOW)))

  // Two hours of a touch and a save each minute, so that some of them cross into another hour.
  for (let minute = 1; minute <= 120; minute++) {
    const now = NOW + minute * 60_000
    const ends = { lastSeenAt: now, expiresAt: now + 3_600_000 }
    await Promise.all(records.map(({ id, secretHash }) => store.touch(id, { secretHash, ...ends }, now)))
    const change = aChange({ ...ends, set: { minute: `${minute}` } })
    await Promise.all(records.map(({ id }) => store.save(id, change, now)))
  }
  await pool.query('select pg_stat_force_next_flush()').catch(() => {})
  const { rows } = await pool.query(
    "select n_tup_upd::int as all, n_tup_hot_upd::int as hot from pg_stat_user_tables where relname = 'sessions'",
  )
  await pool.end()
  expect(rows[0].all).toBe(60 * 120 * 2)
  expect(rows[0].hot / rows[0].all).toBeGreaterThan(0.9)
})
