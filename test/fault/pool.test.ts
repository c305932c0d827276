import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { report } from './counts.ts'
import { aPool, expectUnharmed, setStage } from './stage.ts'

const POOL_SIZE = 10
const MAX_CONNECTIONS = 20
/** The name of the connections that take the others' room. */
const CROWD = 'crowd'

describe('connections that cannot be had, under load', () => {
  let server: PostgresServer
  let url: string

  beforeAll(async () => {
    server = await startPostgres(18, { settings: { max_connections: MAX_CONNECTIONS } })
  })

  afterAll(() => server.stop())

  beforeEach(async () => {
    url = await createDatabase(server.url)
  })

  it(
    'a pool that the application has taken whole: 503 until it is free, and no queue in it grows',
    async () => {
      const { pool, load } = await setStage(url, { pool: { max: POOL_SIZE } })
      let longestQueue = 0
      for (let round = 0; round < scale; round++) {
        await load.answered(200)
        const taken = await Promise.all(Array.from({ length: POOL_SIZE }, () => pool.connect()))
        const watching = setInterval(() => {
          longestQueue = Math.max(longestQueue, pool.waitingCount)
        }, 10)
        await Promise.all([load.refused(150), load.plainAnswered(100)])
        clearInterval(watching)
        for (const client of taken) client.release()
        await load.answered(200)
      }
      const counts = await load.stop(aPool(url))
      report(`full pool, times ${scale}`, counts, { 'waiting in the pool at most': longestQueue })
      expectUnharmed(counts)
      // As many as may be under way, and as many that were given up and wait still.
      expect(longestQueue).toBeGreaterThan(0)
      expect(longestQueue).toBeLessThanOrEqual(2 * POOL_SIZE)
    },
    120_000 * scale,
  )

  it('sends nothing any more for who was told that it failed while it waited for a connection', async () => {
    const { pool, store, load } = await setStage(url, { pool: { max: POOL_SIZE }, people: 0 })
    await load.end()
    const taken = await Promise.all(Array.from({ length: POOL_SIZE }, () => pool.connect()))
    const asked = store.delete('a').catch((error: unknown) => error)
    expect(await asked).toMatchObject({ code: 'ERR_SESSION_STORE' })
    const sent: unknown[] = []
    for (const client of taken) {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown
      const note = (...args: unknown[]) => {
        sent.push(args[0])
        return query(...args)
      }
      Object.assign(client, { query: note })
      client.release()
    }
    await pool.query('select 1') // waits behind it
    expect(sent).toEqual(['select 1'])
  })

  it(
    'too many connections: 503 until the server has room again',
    async () => {
      const { pool, load } = await setStage(url, { pool: { max: POOL_SIZE } })
      let tooMany = 0
      pool.on('error', () => {}) // the connections that the test ends
      const refusals = countRefusals(pool)
      for (let round = 0; round < scale; round++) {
        await load.answered(200)
        const crowd = await fill(url)
        await Promise.all([load.refused(100), load.plainAnswered(100)])
        await Promise.all(crowd.map((client) => client.end()))
        await load.answered(200)
        tooMany = refusals()
      }
      const counts = await load.stop(aPool(url))
      report(`too many connections, times ${scale}`, counts, { 'times refused by the server': tooMany })
      expectUnharmed(counts)
      expect(tooMany).toBeGreaterThan(0)
    },
    120_000 * scale,
  )

  it('a pool that the application has closed: 503 for sessions, and the rest goes on', async () => {
    const { pool, load, application } = await setStage(url, { pool: { max: POOL_SIZE } })
    await load.answered(200)
    await pool.end()
    await Promise.all([load.refused(150), load.plainAnswered(100)])
    const counts = await load.stop(aPool(url))
    await expect(application.manager.cleanup()).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    report('closed pool', counts)
    expectUnharmed(counts)
  })
})

/** Takes every connection that the server has, those of the application's pool too. */
async function fill(url: string): Promise<pg.Client[]> {
  const crowd: pg.Client[] = []
  const administrator = await join(url)
  if (administrator === undefined) throw new Error('the server is full already')
  for (let others = 1; others > 0; ) {
    const joining = await Promise.all(Array.from({ length: MAX_CONNECTIONS - crowd.length }, () => join(url)))
    crowd.push(...joining.flatMap((client) => client ?? []))
    const { rows } = await administrator.query<{ count: number }>(
      `select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
       where datname = current_database() and application_name <> $1`,
      [CROWD],
    )
    others = rows[0]?.count ?? 0
  }
  return [...crowd, administrator]
}

/** @returns `undefined`: the server is full. */
async function join(url: string): Promise<pg.Client | undefined> {
  const client = new pg.Client({ connectionString: url, application_name: CROWD })
  client.on('error', () => {})
  return await client.connect().then(
    () => client,
    () => undefined,
  )
}

/** @returns how often a connection of the pool could not be had for 53300, too_many_connections. */
function countRefusals(pool: pg.Pool): () => number {
  let count = 0
  const connect = pool.connect.bind(pool) as (callback: (...args: unknown[]) => void) => void
  Object.assign(pool, {
    connect: (callback: (...args: unknown[]) => void) =>
      connect((error, ...rest) => {
        if (error instanceof Error && 'code' in error && error.code === '53300') count += 1
        callback(error, ...rest)
      }),
  })
  return () => count
}
