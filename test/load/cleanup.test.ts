import { generateKey, SessionManager } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { insertSessions, shown, summary, timeStatements } from './statement-times.ts'

const EXPIRED = 50_000 * scale
const LIVE = 5000
const READERS = 8
/** Rows that the manager asks for in one statement. */
const STEP = 1000

describe('a cleanup beside readers', () => {
  let pools: readonly [cleaning: pg.Pool, reading: pg.Pool]
  let cleaner: SessionManager
  let reader: PostgresStore
  let live: readonly string[]

  beforeAll(async () => {
    const connectionString = await createDatabase(inject('postgres')[18])
    pools = [new pg.Pool({ connectionString }), new pg.Pool({ connectionString })]
    const store = new PostgresStore({ db: pools[0] })
    await store.migrate()
    await insertSessions(pools[0], { count: LIVE, userId: 'ada', endsIn: 86_400 })
    await insertSessions(pools[0], { count: EXPIRED, userId: 'bob', endsIn: -60 })
    const { rows } = await pools[0].query<{ id: string }>(`select id from sessions where user_id = 'ada'`)
    live = rows.map(({ id }) => id)
    cleaner = new SessionManager({ store, authKey: generateKey(), cleanupInterval: 0 })
    reader = new PostgresStore({ db: pools[1] })
  })

  afterAll(async () => {
    await cleaner.close()
    await Promise.all(pools.map((pool) => pool.end()))
  })

  /** Reads live sessions, over and over, until `until` settles. @returns how long each read took. */
  async function readUntil(until: Promise<unknown>): Promise<number[]> {
    const times: number[] = []
    let isOver = false
    const over = until.finally(() => (isOver = true))
    const read = async (lane: number) => {
      for (let at = lane; !isOver; at += READERS) {
        const id = live[at % live.length] ?? ''
        const startedAt = performance.now()
        const record = await reader.get(id, Date.now())
        times.push(performance.now() - startedAt)
        if (record?.id !== id) throw new Error(`${id} was not found`)
      }
    }
    await Promise.all([over, ...Array.from({ length: READERS }, (_, lane) => read(lane))])
    return times
  }

  it(`of ${EXPIRED} rows goes in short statements, lets readers through, and takes nothing that is live (R-073)`, async () => {
    const alone = await readUntil(new Promise((resolve) => setTimeout(resolve, 1500)))
    const { taken } = timeStatements(pools[0])
    const startedAt = performance.now()
    const cleaning = cleaner.cleanup()
    const beside = await readUntil(cleaning)
    const seconds = (performance.now() - startedAt) / 1000
    expect(await cleaning).toBe(EXPIRED)
    const steps = [...taken.values()].toSorted((a, b) => b.length - a.length)[0] ?? []
    expect(steps).toHaveLength(EXPIRED / STEP + 1)

    const { rows } = await pools[1].query<{ count: number }>('select count(*)::int as count from sessions')
    expect(rows[0]?.count).toBe(LIVE)
    const ratio = (part: 'median' | 'p99') => (summary(beside)[part] / summary(alone)[part]).toFixed(2)
    console.log(
      `cleanup of ${EXPIRED} rows in ${seconds.toFixed(1)} s, ${steps.length} statements: ${shown(steps)}\n` +
        `${alone.length} reads without it: ${shown(alone)}\n` +
        `${beside.length} reads beside it: ${shown(beside)}; ratios: median ${ratio('median')}, p99 ${ratio('p99')}`,
    )
    // No read waits for more than a statement of the cleanup: that would be a lock. The rest is this machine's.
    expect(summary(beside).median).toBeLessThan(20 * summary(alone).median + 20)
  })
})
