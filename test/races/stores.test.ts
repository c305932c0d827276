import { storeRaces } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { inRounds } from '../../src/testing/race-rounds.ts'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { type RemoteStore, startStore } from './remote-store.ts'

// Every race runs as it is; this only counts its rounds.
vi.mock(import('../../src/testing/race-rounds.ts'), { spy: true })

/** Rounds of each race, at least. Some races have no more than ten in one run. */
const ROUNDS = scale > 1 ? 1000 : 10

describe('PostgresStore in two processes', () => {
  let stores: readonly [RemoteStore, RemoteStore]
  let pool: pg.Pool

  beforeAll(async () => {
    const connectionString = await createDatabase(inject('postgres')[18])
    pool = new pg.Pool({ connectionString, max: 1 })
    stores = await Promise.all([startStore(connectionString), startStore(connectionString)])
    await Promise.all(stores.map((store) => store.migrate()))
  })

  afterAll(async () => {
    await Promise.all(stores.map((store) => store.stop()))
    await pool.end()
  })

  beforeEach(() => {
    vi.mocked(inRounds).mockClear()
  })

  it.each(storeRaces)('$name', { timeout: 1_800_000 }, async ({ name, run }) => {
    let rounds = 0
    while (rounds < ROUNDS) {
      await pool.query('truncate sessions')
      await run(...stores)
      const calls = vi.mocked(inRounds).mock.calls
      rounds = calls.reduce((sum, [count]) => sum + count, 0)
      expect(rounds).toBeGreaterThan(0)
    }
    console.log(`${rounds} rounds in two processes, ${name}`)
  })
})
