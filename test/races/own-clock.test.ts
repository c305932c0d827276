import { fakeBrowser } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { atOnce, inRounds } from '../../src/testing/race-rounds.ts'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { RemoteServer } from './remote-server.ts'

const HOUR = 3600
const ROUNDS = scale > 1 ? 1000 : 25
const OPTIONS = { authKey: ['a key of the manager with a clock of its own'], idleTimeout: 12 * HOUR }

const range = (length: number) => Array.from({ length }, (_, i) => i)

// Tokens from the future are refused, so that what both shall open is signed in to where it is earlier.
describe.each([
  ['six hours ahead', 6 * HOUR],
  ['six hours behind', -6 * HOUR],
])(
  'a manager whose clock option is %s, beside one without',
  { timeout: 60_000 * scale },
  (_name, clockAhead) => {
    let pool: pg.Pool
    let own: RemoteServer
    let system: RemoteServer
    let early: RemoteServer
    let late: RemoteServer

    beforeAll(async () => {
      const url = await createDatabase(inject('postgres')[18])
      pool = new pg.Pool({ connectionString: url })
      const starting = [RemoteServer.start(url, { ...OPTIONS, clockAhead }), RemoteServer.start(url, OPTIONS)]
      ;[own, system] = (await Promise.all(starting)) as [RemoteServer, RemoteServer]
      ;[early, late] = clockAhead > 0 ? [system, own] : [own, system]
      await system.migrate()
    })

    afterAll(async () => {
      await Promise.all([own.stop(), system.stop()])
      await pool.end()
    })

    beforeEach(async () => {
      await pool.query('truncate sessions')
    })

    async function aSignedInBrowser(userId: string) {
      const browser = fakeBrowser()
      await early.visit(browser, ['signIn', userId])
      for (const server of [early, late]) expect(await server.visit(browser)).toMatchObject({ userId })
      return browser
    }

    it('revives no session by a slow write on either that ends after its sign-out on the other, or beside it', async () => {
      let written = 0
      await inRounds(ROUNDS, async (round) => {
        const browser = await aSignedInBrowser('ada')
        const [one, other] = round % 4 < 2 ? [early, late] : [late, early]
        const slow = await one.begin(browser)
        const write = () => slow.finish(['set', 'late', true])
        const signOut = () => other.request(browser, ['destroy'])
        const isAfter = round % 2 === 0
        const [gone, answer] = isAfter
          ? [await signOut(), await write()]
          : await atOnce(round, [signOut, write])
        expect(gone.outcome).toBe('answered')
        expect(answer.outcome).toMatch(
          isAfter ? /^ERR_SESSION_CONFLICT$/ : /^(answered|ERR_SESSION_CONFLICT)$/,
        )
        if (answer.outcome === 'answered') written += 1
        for (const server of [early, late]) expect((await server.request(browser)).userId).toBeUndefined()
      })
      expect((await pool.query('select from sessions')).rowCount).toBe(0)
      console.log(`0 of ${ROUNDS} sessions revived; ${written} slow writes came before the sign-out`)
    })

    it('deletes nothing that lives by both clocks, by cleanups of either beside traffic on both', async () => {
      const browsers = await Promise.all(range(10).map((n) => aSignedInBrowser(`user${n}`)))
      for (const round of range(ROUNDS)) {
        await addEnded(3)
        const [, , ...answers] = await Promise.all([
          own.cleanup(),
          system.cleanup(),
          ...browsers.map((browser, n) =>
            ((n + round) % 2 === 0 ? early : late).visit(browser, ['increment', 'n']),
          ),
        ])
        for (const [n, answer] of answers.entries())
          expect(answer).toMatchObject({ outcome: 'answered', userId: `user${n}`, updated: [round + 1] })
      }
      await system.cleanup()
      expect((await pool.query('select from sessions')).rowCount).toBe(browsers.length)
      console.log(`0 of ${browsers.length} live sessions deleted by ${2 * ROUNDS} cleanups of two managers`)
    })

    it('opens a session until its end by the clock of whoever is asked, and leaves it to the other', async () => {
      const between = clockAhead / 2
      for (const round of range(ROUNDS)) {
        const browser = await aSignedInBrowser(`user${round}`)
        await pool.query('update sessions set expires_at = now() + make_interval(secs => $1)', [between])
        const [open, ended] = await Promise.all([early.request(browser), late.request(browser)])
        expect(open).toMatchObject({ outcome: 'answered', userId: `user${round}`, cookies: [] })
        expect(ended).toMatchObject({ outcome: 'answered', userId: undefined, cookies: [] })
        expect((await early.request(browser)).userId).toBe(`user${round}`)
      }
    })

    /** Sessions that ended by both clocks. */
    async function addEnded(count: number): Promise<void> {
      await pool.query(
        `insert into sessions (id, user_id, expires_at, renewed_at, last_seen_at, absolute_end, idle_timeout)
        select gen_random_uuid()::text, 'gone', now() - interval '7 hours', now() - interval '1 day',
          now() - interval '1 day', now() + interval '1 day', 3600
        from generate_series(1, $1)`,
        [count],
      )
    }
  },
)
