import { fakeBrowser } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { RemoteServer } from './remote-server.ts'

const DAY = 86_400
const ROUNDS = scale > 1 ? 1000 : 25
const OPTIONS = { authKey: ['a key of the servers with other clocks'], idleTimeout: DAY / 2 }

const range = (length: number) => Array.from({ length }, (_, i) => i)

describe('servers whose clocks differ', { timeout: 60_000 * scale }, () => {
  let url: string
  let pool: pg.Pool
  let right: RemoteServer
  const others: RemoteServer[] = []

  beforeAll(async () => {
    url = await createDatabase(inject('postgres')[18])
    pool = new pg.Pool({ connectionString: url })
    right = await RemoteServer.start(url, OPTIONS)
    await right.migrate()
  })

  afterAll(async () => {
    await Promise.all([right, ...others].map((server) => server.stop()))
    await pool.end()
  })

  beforeEach(async () => {
    await pool.query('truncate sessions')
  })

  async function startOther(secondsAhead: number, options = {}): Promise<RemoteServer> {
    const server = await RemoteServer.start(url, { ...OPTIONS, ...options }, secondsAhead)
    others.push(server)
    return server
  }

  /** Sessions that ended an hour ago by the right clock. */
  async function addEnded(count: number): Promise<void> {
    await pool.query(
      `insert into sessions (id, user_id, created_at, expires_at, renewed_at, last_seen_at, absolute_end, idle_timeout)
      select gen_random_uuid()::text, 'gone', now() - interval '1 day', now() - interval '1 hour',
        now() - interval '1 day', now() - interval '1 day', now() + interval '1 day', 3600
      from generate_series(1, $1)`,
      [count],
    )
  }

  it.each([
    ['a day ahead', DAY],
    ['a day behind', -DAY],
  ])(
    'delete nothing that lives, by a cleanup on a server %s beside traffic, and all that has ended',
    async (_name, ahead) => {
      const wrong = await startOther(ahead)
      const browsers = range(10).map(() => fakeBrowser())
      await Promise.all(browsers.map((browser, n) => right.visit(browser, ['signIn', `user${n}`])))
      let cleaned = 0
      for (const round of range(ROUNDS)) {
        await addEnded(3)
        const [count, ...answers] = await Promise.all([
          wrong.cleanup(),
          ...browsers.map((browser) => right.visit(browser, ['set', 'round', round])),
        ])
        cleaned += count
        for (const [n, { outcome, userId, values }] of answers.entries()) {
          expect({ outcome, userId }).toEqual({ outcome: 'answered', userId: `user${n}` })
          expect(values.round).toBe(round === 0 ? undefined : round - 1)
        }
      }
      // A server whose clock is behind goes by its own: what it leaves, the others clean up.
      expect(cleaned).toBe(ahead > 0 ? ROUNDS * 3 : 0)
      expect(await right.cleanup()).toBe(ahead > 0 ? 0 : ROUNDS * 3)
      expect((await pool.query('select from sessions')).rowCount).toBe(browsers.length)
      const skews = (await wrong.takeEvents()).filter(({ type }) => type === 'clock-skew')
      expect(skews).toHaveLength(ROUNDS)
      console.log(
        `0 of ${browsers.length} live sessions deleted by ${ROUNDS} cleanups, ${_name}; ${cleaned} ended ones were`,
      )
    },
  )
})
