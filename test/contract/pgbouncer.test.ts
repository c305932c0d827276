import { PostgresStore } from 'coatcheck/stores/postgres'
import { aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type PgBouncer, type PgBouncerSettings, startPgBouncer } from '../servers/pgbouncer.ts'
import { createDatabase } from '../servers/postgres.ts'
import { casesWithoutRaces } from './cases-without-races.ts'
import { holdsContract, toPools } from './postgres-contract.ts'

describe.each(['session', 'transaction', 'statement'] as const)(
  'PostgresStore through PgBouncer in %s mode',
  (mode) => {
    holdsContract(async () => {
      const directUrl = await createDatabase(inject('postgres')[18])
      const pgBouncer = await startPgBouncer(directUrl, { mode })
      const pools = toPools(pgBouncer.url, directUrl)
      return {
        ...pools,
        async close() {
          await pools.close()
          await pgBouncer.stop()
        },
      }
    }, casesWithoutRaces)
  },
)

/** What a store sent through a pool: the names of its statements, and the SQLSTATE of each refusal. */
interface Traffic {
  readonly pool: pg.Pool
  readonly names: (string | undefined)[]
  readonly refusals: string[]
}

describe('PostgresStore and the names of statements through PgBouncer', () => {
  const closers: (() => Promise<void>)[] = []
  let directUrl: string

  beforeAll(async () => {
    directUrl = await createDatabase(inject('postgres')[18])
    const pool = new pg.Pool({ connectionString: directUrl })
    await new PostgresStore({ db: pool }).migrate()
    await pool.end()
  })

  afterAll(async () => {
    for (const close of closers.reverse()) await close()
  })

  async function start(settings: PgBouncerSettings): Promise<PgBouncer> {
    const pgBouncer = await startPgBouncer(directUrl, settings)
    closers.push(() => pgBouncer.stop())
    return pgBouncer
  }

  /** A pool of one connection that notes what goes through it. */
  function watch({ url }: PgBouncer): Traffic {
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    closers.push(() => pool.end())
    const traffic: Traffic = { pool, names: [], refusals: [] }
    const query = pool.query.bind(pool) as (config: pg.QueryConfig) => Promise<pg.QueryResult>
    const watched = (config: pg.QueryConfig) => {
      traffic.names.push(config.name)
      const answer = query(config)
      answer.catch((error: pg.DatabaseError) => traffic.refusals.push(String(error.code)))
      return answer
    }
    return Object.assign(traffic, { pool: Object.assign(pool, { query: watched }) })
  }

  async function reads(store: PostgresStore, times: number): Promise<void> {
    const record = aRecord()
    await store.create(record, NOW)
    for (let time = 0; time < times; time += 1) expect(await store.get(record.id, NOW)).toEqual(record)
  }

  it('keeps using names in session mode', async () => {
    const { pool, names, refusals } = watch(await start({ mode: 'session' }))
    await reads(new PostgresStore({ db: pool }), 10)
    expect(refusals).toEqual([])
    expect(names).toHaveLength(11)
    expect(names).not.toContain(undefined)
  })

  it.each(['transaction', 'statement'] as const)(
    'does without names from the first 26000 on in %s mode: prepared on another server connection',
    async (mode) => {
      const pgBouncer = await start({ mode, poolSize: 2 })
      // Two statements at once open both server connections, which then take turns.
      const warmUp = new pg.Pool({ connectionString: pgBouncer.url })
      await Promise.all([warmUp.query('select pg_sleep(0.2)'), warmUp.query('select pg_sleep(0.2)')])
      await warmUp.end()

      const { pool, names, refusals } = watch(pgBouncer)
      await reads(new PostgresStore({ db: pool }), 10)
      expect(refusals).toEqual(['26000'])
      expect(names.slice(0, 3)).not.toContain(undefined)
      expect(names.slice(3)).toEqual(Array(9).fill(undefined))
    },
  )

  it.each(['transaction', 'statement'] as const)(
    'does without names from the first 42P05 on in %s mode: another client has prepared it there',
    async (mode) => {
      const pgBouncer = await start({ mode, poolSize: 1 })
      const first = watch(pgBouncer)
      await reads(new PostgresStore({ db: first.pool }), 3)
      expect(first.refusals).toEqual([])

      const second = watch(pgBouncer)
      await reads(new PostgresStore({ db: second.pool }), 10)
      expect(second.refusals).toEqual(['42P05'])
      expect(second.names.slice(1)).toEqual(Array(11).fill(undefined))
    },
  )
})
