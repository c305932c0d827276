import { randomUUID } from 'node:crypto'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { aChange, aRecord, NOW, storeContract } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

const FIRST_VERSION = {
  text: 'id text primary key, user_id text not null default $$$$, values jsonb not null default $${}$$, created_at timestamptz not null default now(), expires_at timestamptz not null',
  uuid: 'id uuid primary key default gen_random_uuid(), user_id uuid, values json, created_at timestamp, expires_at timestamp',
  'varchar(255)':
    'id varchar(255) primary key, user_id varchar(40), values jsonb, created_at timestamp with time zone, expires_at timestamp without time zone not null',
}

describe.each([14, 18] as const)('PostgresStore.migrate on PostgreSQL %i', (major) => {
  let connectionString: string
  let pool: pg.Pool

  beforeAll(async () => {
    connectionString = await createDatabase(inject('postgres')[major])
    pool = new pg.Pool({ connectionString, max: 20 })
  })

  afterAll(async () => {
    await pool.end()
  })

  async function columnsOf(schema: string, table: string): Promise<string[]> {
    const { rows } = await pool.query(
      'select column_name, data_type, is_nullable from information_schema.columns where table_schema = $1 and table_name = $2 order by ordinal_position',
      [schema, table],
    )
    return rows.map((row) => `${row.column_name} ${row.data_type} ${row.is_nullable}`)
  }

  it('creates schema, table and indexes, called twenty times at once over a pool', async () => {
    const stores = Array.from(
      { length: 20 },
      () => new PostgresStore({ db: pool, schema: 'twenty', table: 'Order' }),
    )
    await Promise.all(stores.map((store) => store.migrate()))
    const { rows } = await pool.query('select indexname from pg_indexes where schemaname = $1 order by 1', [
      'twenty',
    ])
    expect(rows.map((row) => row.indexname)).toEqual([
      'Order_cleanup_hour_idx',
      'Order_pkey',
      'Order_user_id_idx',
    ])
    expect(await stores[0]?.create(aRecord(), NOW)).toBe(true)
  })

  it('changes nothing where all is in place', async () => {
    const store = new PostgresStore({ db: pool, schema: 'again' })
    await store.migrate()
    const file = `select pg_relation_filenode('again.sessions') as node, xmin from pg_class where oid = 'again.sessions'::regclass`
    const before = await pool.query(file)
    await store.migrate()
    expect((await pool.query(file)).rows).toEqual(before.rows)
  })

  it('leaves nothing behind when it fails, and can be called again', async () => {
    await pool.query('create schema failing; create view failing.sessions_cleanup_hour_idx as select 1')
    const store = new PostgresStore({ db: pool, schema: 'failing' })
    await expect(store.migrate()).rejects.toMatchObject({ code: 'ERR_SESSION_STORE', operation: 'migrate' })
    expect(await columnsOf('failing', 'sessions')).toEqual([])
    await pool.query('drop view failing.sessions_cleanup_hour_idx')
    await store.migrate()
    expect(await store.create(aRecord(), NOW)).toBe(true)
  })

  it('keeps several tables in one schema apart, whose names differ in their last letter only', async () => {
    const tables = ['a', 'a_user_id', `${'x'.repeat(62)}1`, `${'x'.repeat(62)}2`]
    const stores = tables.map((table) => new PostgresStore({ db: pool, schema: 'many', table }))
    await Promise.all(stores.map((store) => store.migrate()))
    const [record, ...others] = stores.map(() => aRecord({ userId: 'ada' }))
    if (record === undefined) throw new Error('no record')
    await stores[0]?.create(record, NOW)
    await Promise.all(others.map((it, index) => stores[index + 1]?.create(it, NOW)))
    for (const store of stores.slice(1)) expect(await store.get(record.id, NOW)).toBeUndefined()
    for (const store of stores) expect(await store.listByUser('ada', NOW)).toHaveLength(1)
    const { rows } = await pool.query('select count(*)::int from pg_indexes where schemaname = $1', ['many'])
    expect(rows[0].count).toBe(12)
  })

  it.each(Object.entries(FIRST_VERSION))(
    'brings a table of the first five columns up to date, its id being %s',
    async (type, columns) => {
      const schema = `first_${type.slice(0, 4)}`
      await pool.query(`create schema ${schema}; create table ${schema}.sessions (${columns})`)
      const [live, ended, anonymous] = [randomUUID(), randomUUID(), randomUUID()]
      const user = randomUUID()
      await pool.query("set timezone to 'UTC'")
      const insert = `insert into ${schema}.sessions (id, user_id, values, created_at, expires_at) values ($1, $2, $3, $4, $5)`
      const nobody = type === 'uuid' ? null : ''
      const client = await pool.connect()
      await client.query("set timezone to 'UTC'")
      await client.query(insert, [
        live,
        user,
        '{"cart":[1]}',
        '2025-12-31 23:00:00Z',
        '2026-01-01 01:00:00.123456Z',
      ])
      await client.query(insert, [ended, user, '{}', type === 'text' ? '2025-12-01Z' : null, '2025-12-31Z'])
      await client.query(insert, [anonymous, nobody, '{"seen":true}', '2025-12-31Z', 'infinity'])
      client.release(true)

      const store = new PostgresStore({ db: pool, schema })
      await Promise.all([store.migrate(), store.migrate()])

      const record = await store.get(live, NOW)
      expect(record).toMatchObject({
        ...{ id: live, userId: user, secretHash: '', version: 1, values: '{"cart": [1]}' },
        ...{ createdAt: NOW - 3_600_000, signedInAt: NOW - 3_600_000, lastSeenAt: NOW - 3_600_000 },
        ...{ expiresAt: NOW + 3_600_123, absoluteEnd: NOW + 3_600_123, idleTimeout: 7200, persistent: false },
      })
      expect(await store.get(ended, NOW)).toBeUndefined()
      expect(await store.get(anonymous, NOW)).toMatchObject({ userId: '', expiresAt: Date.UTC(9999, 11, 31) })
      expect((await store.listByUser(user, NOW)).map(({ id }) => id)).toEqual([live])
      expect(await store.save(live, aChange({ set: { stolen: '1' } }), NOW)).toEqual({
        outcome: 'superseded',
      })
      expect(await store.delete(live, { userId: user })).toBe(true)
      expect(await store.cleanup(NOW, 10)).toBe(1)
      expect(await columnsOf(schema, 'sessions')).toEqual(await columnsOf('again', 'sessions'))

      await pool.query(`truncate ${schema}.sessions`)
      await storeContract[0]?.run(store)
    },
  )

  it.each([
    ['least', 'sessions'],
    ['Select', 'order'],
    ['S'.repeat(63), `${'t'.repeat(62)}T`],
  ])(
    'needs no more than SELECT, INSERT, UPDATE and DELETE on the table afterwards, here "%s"."%s" (R-069)',
    async (schema, table) => {
      const role = `app_${randomUUID().slice(0, 8)}`
      const name = `"${schema}"."${table}"`
      await new PostgresStore({ db: pool, schema, table }).migrate()
      await pool.query(`create role ${role} login`)
      await pool.query(`grant usage on schema "${schema}" to ${role}`)
      await pool.query(`grant select, insert, update, delete on ${name} to ${role}`)
      const url = new URL(connectionString)
      url.username = role
      const restricted = new pg.Pool({ connectionString: url.href })
      try {
        for (const refused of [`create table "${schema}".other ()`, `truncate ${name}`])
          await expect(restricted.query(refused)).rejects.toMatchObject({ code: '42501' })
        const store = new PostgresStore({ db: restricted, schema, table })
        await store.migrate()
        for (const { name: sentence, run } of storeContract.filter((it) => !it.name.startsWith('race:'))) {
          await pool.query(`truncate ${name}`)
          await run(store).catch((cause: unknown) => {
            throw new Error(sentence, { cause })
          })
        }
      } finally {
        await restricted.end()
      }
    },
  )
})
