import { PostgresStore } from 'coatcheck/stores/postgres'
import { storeContract, storeRaces } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

describe.each([14, 18] as const)('PostgresStore on PostgreSQL %i', (major) => {
  let pools: readonly [pg.Pool, pg.Pool]

  beforeAll(async () => {
    const connectionString = await createDatabase(inject('postgres')[major])
    pools = [new pg.Pool({ connectionString }), new pg.Pool({ connectionString })]
    await new PostgresStore({ db: pools[0] }).migrate()
  })

  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()))
  })

  beforeEach(async () => {
    await pools[0].query('truncate sessions')
  })

  it.each(storeContract)('$name', async ({ run }) => {
    await run(new PostgresStore({ db: pools[0] }))
  })

  describe('over two pools', () => {
    it.each(storeRaces)('$name', async ({ run }) => {
      await run(new PostgresStore({ db: pools[0] }), new PostgresStore({ db: pools[1] }))
    })
  })
})
