import { generateKey, type SessionInfo, SessionManager } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { insertSessions, shown, timeStatements } from './statement-times.ts'

const SESSIONS = 5000 * scale
const PAGE = 1000

/** Users with fewer, to set beside. */
const FEWER = [100, 1000, 10_000].filter((count) => count < SESSIONS)

describe('a user with many sessions', () => {
  let pool: pg.Pool
  let manager: SessionManager

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: await createDatabase(inject('postgres')[18]) })
    const store = new PostgresStore({ db: pool })
    await store.migrate()
    await insertSessions(pool, { count: SESSIONS, userId: 'ada', endsIn: 86_400 })
    await insertSessions(pool, { count: SESSIONS / 2, userId: 'bob', endsIn: 86_400 })
    for (const count of FEWER)
      await insertSessions(pool, { count, userId: `one of ${count}`, endsIn: 86_400 })
    manager = new SessionManager({ store, authKey: generateKey(), cleanupInterval: 0 })
  })

  afterAll(async () => {
    await manager.close()
    await pool.end()
  })

  it(`has ${SESSIONS} of them listed page by page, each once, and revoked (R-011, R-016)`, async () => {
    const { taken } = timeStatements(pool)
    const seen = new Set<string>()
    const times: number[] = []
    let page: SessionInfo[] = []
    do {
      const startedAt = performance.now()
      page = await manager.listSessions('ada', { limit: PAGE, after: page.at(-1) })
      times.push(performance.now() - startedAt)
      for (const { id } of page) seen.add(id)
    } while (page.length === PAGE)
    expect(seen.size).toBe(SESSIONS)
    expect(times).toHaveLength(SESSIONS / PAGE + 1)

    const startedAt = performance.now()
    const except = [...seen][0] ?? ''
    expect(await manager.revokeAll('ada', { except })).toBe(SESSIONS - 1)
    const revoking = performance.now() - startedAt
    expect((await manager.listSessions('ada')).map(({ id }) => id)).toEqual([except])
    expect(await manager.listSessions('bob')).toHaveLength(PAGE)
    console.log(
      `${SESSIONS} sessions of one user: ${times.length} pages of ${PAGE}, ${shown(times)}; revoked in ${revoking.toFixed(0)} ms\n` +
        [...taken].map(([name, each]) => `statement "${name}…": ${shown(each)}`).join('\n'),
    )
  })

  it.each(FEWER)('has a page of %i of them, and all revoked', async (count) => {
    const userId = `one of ${count}`
    const page = async (limit: number) => {
      const times: number[] = []
      for (let i = 0; i < 15; i++) {
        const startedAt = performance.now()
        expect(await manager.listSessions(userId, { limit })).toHaveLength(Math.min(limit, count))
        times.push(performance.now() - startedAt)
      }
      return shown(times)
    }
    console.log(
      `${count} sessions of one user: a page of 100, ${await page(100)}; of ${PAGE}, ${await page(PAGE)}`,
    )
    const startedAt = performance.now()
    expect(await manager.revokeAll(userId)).toBe(count)
    console.log(`${count} sessions of one user revoked in ${(performance.now() - startedAt).toFixed(1)} ms`)
  })
})
