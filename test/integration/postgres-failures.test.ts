import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PostgresDatabase, PostgresStore } from 'coatcheck/stores/postgres'
import { aChange, aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { createDatabase, type PostgresServer, startPostgres } from '../servers/postgres.ts'

const set = (key: string, value = '1') => aChange({ set: { [key]: value } })

describe('PostgresStore and the names of statements', () => {
  let pool: pg.Pool

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: await createDatabase(inject('postgres')[18]) })
    await new PostgresStore({ db: pool }).migrate()
  })

  afterAll(async () => {
    await pool.end()
  })

  const preparedNames = async (client: pg.ClientBase) =>
    (await client.query('select name from pg_prepared_statements order by 1')).rows.map(({ name }) => name)

  it('prepares named statements on pg', async () => {
    const client = await pool.connect()
    try {
      await new PostgresStore({ db: client }).get('x', NOW)
      expect(await preparedNames(client)).toEqual([expect.stringMatching(/^coatcheck_get_[0-9a-f]{24}$/)])
    } finally {
      client.release(true)
    }
  })

  // PgBouncer before 1.21 in transaction mode: 26000 when the name is on another server connection, 42P05 when
  // another client has taken it on this one.
  it.each(['deallocate all', 'taken'])(
    'does without names for good where a pooler breaks them (%s)',
    async (how) => {
      const client = await pool.connect()
      const store = new PostgresStore({ db: client })
      const record = aRecord()
      await store.create(record, NOW)
      if (how === 'taken') {
        await store.get(record.id, NOW)
        const name = (await preparedNames(client)).find((it) => it.includes('_get_'))
        client.release(true)
        const other = await pool.connect()
        await other.query(`prepare ${name} as select 1`)
        const second = new PostgresStore({ db: other })
        expect(await second.get(record.id, NOW)).toEqual(record)
        expect(await second.save(record.id, set('a'), NOW)).toMatchObject({ outcome: 'saved' })
        expect(await preparedNames(other)).toEqual([name])
        other.release(true)
        return
      }
      await client.query('deallocate all')
      expect(await store.create(aRecord(), NOW)).toBe(true)
      expect(await store.get(record.id, NOW)).toEqual(record)
      expect(await preparedNames(client)).toEqual([])
      client.release(true)
    },
  )
})

describe('PostgresStore over a server that goes away', () => {
  let server: PostgresServer
  let pool: pg.Pool
  let store: PostgresStore

  beforeAll(async () => {
    server = await startPostgres(18)
    pool = new pg.Pool({ connectionString: server.url })
    store = new PostgresStore({ db: pool })
    await store.migrate()
  })

  afterAll(async () => {
    await pool.end()
    await server.stop()
  })

  it('gives a pool without a listener for errors one, and leaves a listener that is there alone', async () => {
    expect(pool.listenerCount('error')).toBe(1)
    new PostgresStore({ db: pool })
    expect(pool.listenerCount('error')).toBe(1)
  })

  it('works on when the server has restarted under an idle pool', async () => {
    const record = aRecord()
    await store.create(record, NOW)
    await Promise.all(Array.from({ length: 5 }, () => pool.query('select pg_sleep(0.01)')))
    await server.restart()
    expect(await store.get(record.id, NOW)).toEqual(record)
  })

  it('repeats reads, saves, touches and deletes whose connection an administrator ends', async () => {
    const record = aRecord()
    await store.create(record, NOW)
    const client = await pool.connect()
    await client.query('begin; lock table sessions in access exclusive mode')
    const { id, secretHash } = record
    const asked = Promise.all([
      store.get(id, NOW),
      store.save(id, set('a'), NOW),
      store.touch(id, { secretHash, lastSeenAt: NOW + 1, expiresAt: NOW + 3_600_001 }, NOW),
    ])
    await sleep(200) // until they wait for the lock
    const { rows } = await client.query(
      "select count(pg_terminate_backend(pid))::int from pg_stat_activity where wait_event_type = 'Lock'",
    )
    expect(rows[0].count).toBe(3)
    await client.query('commit')
    client.release()
    expect(await asked).toMatchObject([{ id }, { outcome: 'saved' }, true])
  })

  it('rejects with StoreError while the server is down, cleanup too, and the process lives (R-089)', async () => {
    await server.restart()
    const dead = new pg.Pool({ connectionString: server.url.replace(/:\d+\//, ':1/') })
    const down = new PostgresStore({ db: dead })
    const failures = await Promise.allSettled([
      down.cleanup(NOW, 10),
      down.get('x', NOW),
      down.save('x', set('a'), NOW),
      down.delete('x'),
      down.listByUser('ada', NOW),
      down.deleteByUser('ada'),
      down.serverTime(),
      down.create(aRecord(), NOW),
      down.migrate(),
    ])
    const operations = [
      'cleanup',
      'get',
      'save',
      'delete',
      'listByUser',
      'deleteByUser',
      'serverTime',
      'create',
      'migrate',
    ]
    expect(failures.map((it) => (it.status === 'rejected' ? it.reason : it))).toMatchObject(
      operations.map((operation) => ({
        code: 'ERR_SESSION_STORE',
        operation,
        cause: { code: 'ECONNREFUSED' },
      })),
    )
    await dead.end()
  })

  it('ends a statement at its timeout and gives its connection back to the pool (R-068)', () =>
    expectFreed(() => undefined))

  it('does so over a pool that has a query method of its own', () =>
    expectFreed((small) => void vi.spyOn(small, 'query')))

  /** @param prepare Given a pool of one connection, before the store is. */
  async function expectFreed(prepare: (small: pg.Pool) => void): Promise<void> {
    const small = new pg.Pool({ connectionString: server.url, max: 1, connectionTimeoutMillis: 3000 })
    prepare(small)
    const hasty = new PostgresStore({ db: small, timeout: 0.2 })
    const locking = await pool.connect()
    try {
      await locking.query('begin; lock table sessions in access exclusive mode')
      const reads = await Promise.allSettled(Array.from({ length: 6 }, (_, n) => hasty.get(`${n}`, NOW)))
      expect(new Set(reads.map(({ status }) => status))).toEqual(new Set(['rejected']))
      const next = small.query('select 1 as free').catch((error: Error) => error.message)
      expect(await next).toMatchObject({ rows: [{ free: 1 }] })
    } finally {
      locking.release(true)
    }
    expect(await hasty.get('x', NOW)).toBeUndefined()
    await small.end()
  }

  it('answers within its timeout when the server does not even accept a connection', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const stuck = new pg.Pool({ host: '127.0.0.1', port, user: 'x' })
    stuck.on('error', () => {})
    const began = performance.now()
    await expect(new PostgresStore({ db: stuck, timeout: 0.2 }).get('x', NOW)).rejects.toMatchObject({
      code: 'ERR_SESSION_STORE',
    })
    expect(performance.now() - began).toBeLessThan(2000)
    silent.close()
    await Promise.race([stuck.end(), sleep(100)])
  })

  it('does not let a lost connection end a process whose pool has no listener for errors', async () => {
    const program = `
      import pg from 'pg'
      import { PostgresStore } from './src/stores/postgres.ts'
      const pool = new pg.Pool({ connectionString: process.argv.at(-1) })
      const store = new PostgresStore({ db: pool })
      await Promise.all([store.serverTime(), store.get('x', 0)])
      console.log('ready')
      process.stdin.once('data', async () => { await store.serverTime(); console.log('alive'); process.exit(0) })`
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', program, server.url],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
    })
    await once(child.stdout, 'data')
    await server.restart()
    child.stdin.write('\n')
    const [code] = await once(child, 'exit')
    expect({ code, output }).toEqual({ code: 0, output: 'ready\nalive\n' })
  })
})

describe('PostgresStore over a record that cannot be read', () => {
  it('rejects with ValueError for who asked for it, and for nobody else', async () => {
    const record = aRecord()
    const other = aRecord()
    const row = (id: string, facts: string) => ({
      id,
      user_id: '',
      values: '{}',
      secret_hash: '',
      address: null,
      user_agent: null,
      facts,
    })
    const facts = `1 3600 f ${NOW} ${NOW} ${NOW} ${NOW + 1} ${NOW + 1}`
    const db: PostgresDatabase = {
      query: async () => ({ rows: [row(record.id, 'nonsense'), row(other.id, facts)] }),
    }
    const store = new PostgresStore({ db })
    const reads = [store.get('first', NOW), store.get(record.id, NOW), store.get(other.id, NOW)]
    const [, broken, whole] = await Promise.allSettled(reads)
    expect(broken).toMatchObject({ status: 'rejected', reason: { code: 'ERR_SESSION_VALUE' } })
    expect(whole).toMatchObject({ status: 'fulfilled', value: { id: other.id } })
  })
})
