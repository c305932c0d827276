import type { SessionListing } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

describe.each([14, 18] as const)('a list in pages on PostgreSQL %i', (major) => {
  let pool: pg.Pool
  let store: PostgresStore

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: await createDatabase(inject('postgres')[major]) })
    store = new PostgresStore({ db: pool })
    await store.migrate()
  })

  afterAll(() => pool.end())

  async function idsByPages(limit: number): Promise<string[]> {
    const ids: string[] = []
    for (let page: readonly SessionListing[] = []; ; ) {
      page = await store.listByUser('ada', NOW, { limit, after: page.at(-1) })
      ids.push(...page.map(({ id }) => id))
      if (page.length < limit) return ids
    }
  }

  // A page says where it ended in milliseconds; a row that another program wrote may hold microseconds.
  it('loses and repeats no row that was last seen between two milliseconds', async () => {
    const records = Array.from({ length: 120 }, () => aRecord({ userId: 'ada' }))
    await Promise.all(records.map((record) => store.create(record, NOW)))
    await pool.query(
      `update sessions set last_seen_at = last_seen_at - (get_byte(decode(md5(id), 'hex'), 0) * 37) * interval '1 microsecond'`,
    )
    const all = (await store.listByUser('ada', NOW)).map(({ id }) => id)
    expect(all.toSorted()).toEqual(records.map(({ id }) => id).toSorted())
    for (const limit of [1, 3, 7, 119, 120, 1000]) expect(await idsByPages(limit)).toEqual(all)
  })
})
