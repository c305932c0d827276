import { PostgresStore } from 'coatcheck/stores/postgres'
import { aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

describe('PostgresStore, beside a transaction of others that holds a record', () => {
  let pool: pg.Pool
  let store: PostgresStore

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: await createDatabase(inject('postgres')[18]) })
    store = new PostgresStore({ db: pool })
    await store.migrate()
  })

  afterAll(async () => {
    await pool.end()
  })

  beforeEach(async () => {
    await pool.query('truncate sessions')
  })

  async function created(count: number) {
    const records = Array.from({ length: count }, () => aRecord())
    await Promise.all(records.map((record) => store.create(record, NOW)))
    return records
  }

  /** Holds the row of a record while something runs. */
  async function holding<T>(id: string, run: () => Promise<T>): Promise<T> {
    const client = await pool.connect()
    await client.query('begin')
    await client.query('select from sessions where id = $1 for update', [id])
    try {
      return await run()
    } finally {
      await client.query('rollback')
      client.release()
    }
  }

  /** Sends one request for each id, all but the first in one batch, and waits for those of all but the held id. */
  async function othersOf<T>(ids: readonly string[], held: string, send: (id: string) => Promise<T>) {
    const answers = ids.map((id) => ({ id, answer: send(id) }))
    const others = await Promise.all(answers.filter(({ id }) => id !== held).map(({ answer }) => answer))
    return { others, last: answers.find(({ id }) => id === held)?.answer }
  }

  it('touches what shares a batch with it at once, and it when it is free', async () => {
    const records = await created(20)
    const ids = records.map(({ id }) => id)
    const held = ids[10] ?? ''
    const [{ secretHash, lastSeenAt, expiresAt } = aRecord()] = records
    const to = { secretHash, lastSeenAt: lastSeenAt + 1, expiresAt: expiresAt + 1 }
    const { last } = await holding(held, async () => {
      const sent = await othersOf(ids, held, (id) => store.touch(id, to, NOW))
      expect(sent.others).toEqual(Array(19).fill(true))
      return { last: sent.last }
    })
    expect(await last).toBe(true)
  })

  it('says of an ended one, and under another secret, that it was not touched, without waiting for it', async () => {
    const [record = aRecord()] = await created(1)
    const { id, secretHash, expiresAt } = record
    const to = { secretHash, lastSeenAt: expiresAt, expiresAt: expiresAt + 3_600_000 }
    await holding(id, async () => {
      expect(await store.touch(id, to, expiresAt)).toBe(false)
      expect(await store.touch(id, { ...to, secretHash: '0'.repeat(64) }, NOW)).toBe(false)
    })
    expect(await store.get(id, NOW)).toMatchObject({ expiresAt })
  })
})
