import { PostgresStore } from 'coatcheck/stores/postgres'
import { aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { createStatements } from '../../src/internal/postgres-statements.ts'
import { createDatabase } from '../servers/postgres.ts'

const { getMany, mergeMany, touchMany } = createStatements({ schema: 'public', table: 'sessions' })

// Where the table is small the planner reads all of it, and what a filter computes it computes for each row.
it.each([14, 18] as const)('a batch reads its ids once on PostgreSQL %i, not for each row', async (major) => {
  const pool = new pg.Pool({ connectionString: await createDatabase(inject('postgres')[major]), max: 1 })
  const store = new PostgresStore({ db: pool })
  await store.migrate()
  const records = Array.from({ length: 100 }, () => aRecord())
  await Promise.all(records.map((record) => store.create(record, NOW)))
  await pool.query('analyze sessions')
  await pool.query('set plan_cache_mode = force_generic_plan')

  for (const { name, text } of [getMany, mergeMany, touchMany]) {
    const parameters = new Set(text.match(/\$\d+/g)).size
    await pool.query(`prepare ${name} as ${text}`)
    const values = Array.from({ length: parameters }, () => "'{}'").join(', ')
    const { rows } = await pool.query(`explain execute ${name} (${values})`)
    const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n')
    expect(plan).toMatch(/Seq Scan on sessions/)
    expect(plan).not.toMatch(/(?:Filter|Cond): .*::text\[\]/)
  }
  await pool.end()
})
