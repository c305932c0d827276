import { setTimeout as sleep } from 'node:timers/promises'
import { type PostgresDatabase, PostgresStore } from 'coatcheck/stores/postgres'
import { aChange, aRecord, aSecretHash, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

const ends = { lastSeenAt: NOW + 1, expiresAt: NOW + 3_600_001 }
const range = (length: number) => Array.from({ length }, (_, index) => index)

describe('PostgresStore', () => {
  let pool: pg.Pool
  let store: PostgresStore
  let sent: string[]

  beforeAll(async () => {
    const connectionString = await createDatabase(inject('postgres')[18])
    pool = new pg.Pool({ connectionString })
    await new PostgresStore({ db: pool }).migrate()
  })

  afterAll(async () => {
    await pool.end()
  })

  beforeEach(async () => {
    await pool.query('truncate sessions')
    sent = []
    store = new PostgresStore({ db: watched(), timeout: 3 })
  })

  function watched(): PostgresDatabase {
    return {
      query: (text, values) => {
        sent.push(text)
        return pool.query(text, values)
      },
    }
  }

  async function created(count: number, overrides = {}) {
    const records = range(count).map(() => aRecord(overrides))
    await Promise.all(records.map((record) => store.create(record, NOW)))
    sent = []
    return records
  }

  /** Holds the rows of records while something runs. */
  async function whileLocked<T>(ids: readonly string[], run: () => Promise<T>): Promise<T> {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('select from sessions where id = any($1) for update', [ids])
      return await run()
    } finally {
      await client.query('rollback')
      client.release()
    }
  }

  const set = (key: string, value = '1') => aChange({ set: { [key]: value } })

  it('sends a lone read at once and those that arrive meanwhile together in the next statement', async () => {
    const records = await created(50)
    const read = await Promise.all(records.map(({ id }) => store.get(id, NOW)))
    expect(read.map((it) => it?.id)).toEqual(records.map(({ id }) => id))
    expect(sent).toHaveLength(2)
  })

  it('sends a lone save or touch at once and those that arrive meanwhile together in the next', async () => {
    const records = await created(50)
    await Promise.all(records.map(({ id }) => store.save(id, set('a'), NOW)))
    expect(sent).toHaveLength(2)
    sent = []
    await Promise.all(records.map(({ id, secretHash }) => store.touch(id, { secretHash, ...ends }, NOW)))
    expect(sent).toHaveLength(2)
  })

  it('folds parallel saves of one session into few statements, counts each, and keeps every key', async () => {
    const [record] = await created(1)
    const id = record?.id ?? ''
    const results = await Promise.all(range(40).map((n) => store.save(id, set(`key${n}`), NOW)))
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['saved']))
    expect(sent).toHaveLength(2)
    expect(await store.get(id, NOW)).toMatchObject({ version: 41 })
  })

  it('keeps the order of clear, delete and set across saves of one session', async () => {
    const [record] = await created(1, { values: '{"old":1}' })
    const id = record?.id ?? ''
    await Promise.all([
      store.save(id, set('a'), NOW),
      store.save(id, set('b'), NOW),
      store.save(id, aChange({ clear: true, set: { c: '1' } }), NOW),
      store.save(id, set('d'), NOW),
      store.save(id, aChange({ delete: ['d'], set: { e: '1' } }), NOW),
      store.save(id, set('e', '2'), NOW),
    ])
    expect(JSON.parse((await store.get(id, NOW))?.values ?? '')).toEqual({ c: 1, e: 2 })
  })

  it('gives each of several folded saves the answer that is its own', async () => {
    const [record] = await created(1)
    const id = record?.id ?? ''
    const big = JSON.stringify('x'.repeat(200))
    const results = await Promise.all([
      store.save(id, set('first'), NOW),
      store.save(id, set('a'), NOW),
      store.save(id, aChange({ set: { big }, maxValuesBytes: 100 }), NOW),
      store.save(id, aChange({ secretHash: aSecretHash(2), set: { b: '1' } }), NOW),
      store.save(id, set('c'), NOW + 3_600_000),
      store.save(id, set('d'), NOW),
    ])
    expect(results.map(({ outcome }) => outcome)).toEqual([
      'saved',
      'saved',
      'too-large',
      'superseded',
      'gone',
      'saved',
    ])
    const kept = await store.get(id, NOW)
    expect(JSON.parse(kept?.values ?? '')).toEqual({ first: 1, a: 1, d: 1 })
    expect(kept?.version).toBe(4)
  })

  it('fails the one bad save of a batch alone', async () => {
    const records = await created(20)
    const results = await Promise.allSettled(
      records.map(({ id }, n) => store.save(id, set('a', n === 7 ? '"\\u0000"' : '1'), NOW)),
    )
    const failed = results.flatMap((it, n) => (it.status === 'rejected' ? [{ n, reason: it.reason }] : []))
    expect(failed).toMatchObject([{ n: 7, reason: { code: 'ERR_SESSION_STORE', operation: 'save' } }])
    for (const [n, { id }] of records.entries()) {
      expect(await store.get(id, NOW)).toMatchObject({ version: n === 7 ? 1 : 2 })
    }
  })

  it('lets a locked row hold up its own session and no other', async () => {
    const records = await created(30)
    const [locked = aRecord(), ...others] = records
    const { id, secretHash } = locked
    const settled: unknown[] = []
    const waiting = await whileLocked([id], async () => {
      const expect1 = { key: 'late', value: '1' }
      const changes = range(12).map((n) => aChange({ expect: expect1, set: { [`k${n}`]: '1' } }))
      const asked = [
        store.save(id, set('late'), NOW),
        store.touch(id, { secretHash, ...ends }, NOW),
        ...changes.map((change) => store.save(id, change, NOW)),
      ]
      for (const it of asked) void it.then((answer) => settled.push(answer))
      await sleep(50) // so that all of it is under way
      await Promise.all(others.map((it) => store.save(it.id, set('a'), NOW)))
      await Promise.all(others.map((it) => store.touch(it.id, { secretHash, ...ends }, NOW)))
      expect(await Promise.all(records.map((it) => store.get(it.id, NOW)))).not.toContain(undefined)
      expect(await store.delete(others[0]?.id ?? '')).toBe(true)
      expect(settled).toEqual([])
      return asked
    })
    const [saved, touched, ...expecting] = await Promise.all(waiting)
    expect(saved).toMatchObject({ outcome: 'saved' })
    expect(touched).toBe(true)
    for (const it of expecting) expect(it).toMatchObject({ outcome: 'saved' })
  })

  it('does not wait in a batch for the one row of it that is locked', async () => {
    const [first = aRecord(), locked = aRecord(), ...others] = await created(20)
    const late = await whileLocked([locked.id], async () => {
      const lone = store.save(first.id, set('a'), NOW)
      const asked = [store.save(locked.id, set('a'), NOW)]
      const results = await Promise.all([lone, ...others.map(({ id }) => store.save(id, set('a'), NOW))])
      expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['saved']))
      return asked
    })
    expect(await Promise.all(late)).toMatchObject([{ outcome: 'saved' }])
  })

  it('reads, saves and touches while more writes wait for locks than may be under way', async () => {
    const records = await created(24)
    const ids = records.slice(0, 12).map(({ id }) => id)
    const renewal = aChange({ renewal: { secretHash: aSecretHash(2), renewedAt: NOW } })
    const waiting = await whileLocked(ids, async () => {
      const asked = ids.map((id) => store.save(id, renewal, NOW))
      await sleep(50) // so that they wait
      for (const { id, secretHash } of records.slice(12)) {
        expect(await store.get(id, NOW)).toMatchObject({ id })
        expect(await store.save(id, set('a'), NOW)).toMatchObject({ outcome: 'saved' })
        expect(await store.touch(id, { secretHash, ...ends }, NOW)).toBe(true)
      }
      return asked
    })
    for (const result of await Promise.all(waiting)) expect(result).toMatchObject({ outcome: 'saved' })
  })

  it('gives up a save whose row stays locked, within its timeout, and serves the others', async () => {
    const [locked = aRecord(), other = aRecord()] = await created(2)
    const hasty = new PostgresStore({ db: pool, timeout: 0.2 })
    await whileLocked([locked.id], async () => {
      const saves = range(30).map((n) => hasty.save(locked.id, set(`k${n}`), NOW))
      expect((await Promise.allSettled(saves)).map(({ status }) => status)).toEqual(
        Array(30).fill('rejected'),
      )
      expect(await hasty.save(other.id, set('a'), NOW)).toMatchObject({ outcome: 'saved' })
    })
  })

  it('does not let one slow statement stop all others of its kind', async () => {
    const records = await created(10)
    let delay = 400
    const slow = new PostgresStore({
      db: {
        query: async (text, values) => {
          const wait = delay
          delay = 0
          await sleep(wait)
          return pool.query(text, values)
        },
      },
    })
    const order: number[] = []
    await Promise.all(records.map(({ id }, n) => slow.get(id, NOW).then(() => order.push(n))))
    expect(order.at(-1)).toBe(0)
    expect(order).toHaveLength(10)
  })

  it('sends a renewal, update() or delete after the earlier changes of its session', async () => {
    const records = await created(20)
    const results = await Promise.all(
      records.flatMap(({ id }) => [
        store.save(id, set('a'), NOW),
        store.save(id, aChange({ expect: { key: 'a', value: '1' }, set: { a: '2' } }), NOW),
        store.save(id, aChange({ renewal: { secretHash: aSecretHash(2), renewedAt: NOW } }), NOW),
        store.delete(id),
      ]),
    )
    for (const result of results)
      expect(result === true || (result !== false && result.outcome === 'saved')).toBe(true)
  })

  it('answers every member of a batch when its connection is lost, having tried once more', async () => {
    const records = await created(20)
    let fails = true
    const flaky = new PostgresStore({
      db: {
        query: async (text, values) => {
          const result = await pool.query(text, values)
          fails = !fails
          if (!fails) throw Object.assign(new Error('the connection is lost'), { code: 'ECONNRESET' })
          return result
        },
      },
    })
    const ids = records.map(({ id }) => id)
    const results = await Promise.all(ids.map((id) => flaky.save(id, set('a'), NOW)))
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['saved']))
    expect(await Promise.all(ids.map((id) => flaky.get(id, NOW)))).not.toContain(undefined)

    fails = true
    const renewal = aChange({ renewal: { secretHash: aSecretHash(2), renewedAt: NOW } })
    await expect(flaky.save(ids[0] ?? '', renewal, NOW)).rejects.toMatchObject({ operation: 'save' })
    fails = true
    await expect(flaky.create(aRecord(), NOW)).rejects.toMatchObject({ operation: 'create' })
  })

  it('waits in close() for what is under way and leaves the pool open', async () => {
    const records = await created(10)
    let saved = 0
    for (const { id } of records) void store.save(id, set('a'), NOW).then(() => (saved += 1))
    await store.close()
    expect(saved).toBe(10)
    await pool.query('select 1')
  })
})
