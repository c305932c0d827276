import { PGlite } from '@electric-sql/pglite'
import { type PostgresDatabase, PostgresStore } from 'coatcheck/stores/postgres'
import { aRecord, NOW, storeContract } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

const SETTINGS = {
  TimeZone: 'Asia/Kathmandu',
  DateStyle: 'SQL,DMY',
  IntervalStyle: 'sql_standard',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  search_path: 'elsewhere',
  default_transaction_isolation: 'serializable',
  standard_conforming_strings: 'off',
}

/** Makes nonsense of every value, whatever its type. */
const nonsense = { getTypeParser: () => () => 'nonsense' }

const cases = storeContract.filter(({ name }) => !name.startsWith('race:'))

describe('PostgresStore over connections that are set up oddly', () => {
  let connectionString: string
  let admin: pg.Pool

  beforeAll(async () => {
    connectionString = await createDatabase(inject('postgres')[18])
    admin = new pg.Pool({ connectionString })
    await new PostgresStore({ db: admin }).migrate()
  })

  afterAll(async () => {
    await admin.end()
  })

  /** Runs every case that is no race on an empty table. */
  async function holdsContract(db: PostgresDatabase): Promise<void> {
    for (const { name, run } of cases) {
      await admin.query('truncate public.sessions')
      await run(new PostgresStore({ db })).catch((cause: unknown) => expect.unreachable(`${name}: ${cause}`))
    }
  }

  const settings = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`)
  const pools: Record<string, object> = {
    'other time zones, date styles and search paths, and serializable': { options: settings.join(' ') },
    'type parsers that make nonsense of every value': { types: nonsense },
    'results in binary': { binary: true },
    'one connection': { max: 1 },
  }

  it.each(Object.entries(pools))('holds the contract over a pool with %s', async (_name, options) => {
    const pool = new pg.Pool({ connectionString, ...options })
    await holdsContract(pool).finally(() => pool.end())
  })

  it('runs every statement through a query method that somebody has put on the pool, a tracer for one', async () => {
    const pool = new pg.Pool({ connectionString })
    try {
      const query = vi.spyOn(pool, 'query')
      const store = new PostgresStore({ db: pool })
      const record = aRecord()
      await store.create(record, NOW)
      await store.get(record.id, NOW)
      await store.delete(record.id)
      expect(query).toHaveBeenCalledTimes(3)
    } finally {
      await pool.end()
    }
  })

  it('holds the contract over a client', async () => {
    const client = await admin.connect()
    await holdsContract(client).finally(() => client.release())
  })

  // As postgres.js is: no config objects, and every parameter is sent as text.
  it('holds the contract over another driver', async () => {
    const toTextOrNull = (value: unknown) => (value === null ? null : String(value))
    await holdsContract({ query: (text, values) => admin.query(text, values.map(toTextOrNull)) })
  })

  it('holds the contract over PGlite with type parsers that make nonsense', async () => {
    const types = [16, 20, 21, 23, 114, 700, 701, 1082, 1114, 1184, 1700, 3802]
    const db = await PGlite.create({
      parsers: Object.fromEntries(types.map((oid) => [oid, () => 'nonsense'])),
    })
    await new PostgresStore({ db }).migrate()
    for (const { name, run } of cases) {
      await db.query('truncate sessions')
      await run(new PostgresStore({ db })).catch((cause: unknown) => expect.unreachable(`${name}: ${cause}`))
    }
    await db.close()
  })
})
