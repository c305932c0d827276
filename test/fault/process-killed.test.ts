import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { generateKey, SessionManager } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { fakeExchange } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { print } from './counts.ts'

const SESSION_KEY = generateKey()

/** How a process came to its end. */
interface Run {
  /** The Cookie header that its browser had before the scenario. */
  readonly cookie: string
  readonly isDone: boolean
  readonly signal: NodeJS.Signals | null
}

/** What the table holds, and whether the old token opens it. */
interface Found {
  readonly rows: readonly { readonly id: string; readonly user_id: string; readonly values: unknown }[]
  /** Who the old token is taken for; `undefined`: it opens nothing. */
  readonly old: string | undefined
}

describe('a process that ends by SIGKILL between two steps', () => {
  let server: PostgresServer

  beforeAll(async () => {
    server = await startPostgres(18)
  })

  afterAll(() => server.stop())

  async function run(url: string, ...args: readonly string[]): Promise<Run> {
    const program = ['--import', 'tsx', 'test/fault/killed-program.ts', url, ...args]
    const child = spawn(process.execPath, program, {
      env: { ...process.env, SESSION_KEY },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
    })
    const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    const [cookie = '', done] = output.split('\n')
    return { cookie, isDone: done === 'done', signal }
  }

  async function look(url: string, cookie: string): Promise<Found> {
    const pool = new pg.Pool({ connectionString: url })
    const manager = new SessionManager({
      store: new PostgresStore({ db: pool }),
      authKey: SESSION_KEY,
      cleanupInterval: 0,
    })
    try {
      await settled(pool)
      const session = await manager.start(fakeExchange({ cookie }))
      const old = session.isNew ? undefined : (session.userId ?? 'nobody')
      const { rows } = await pool.query<Found['rows'][number]>('select id, user_id, values from sessions')
      return { rows, old }
    } finally {
      await manager.close()
      await pool.end()
    }
  }

  /** Ends the process at every boundary of the scenario, each in a database of its own. */
  async function endEverywhere(
    scenario: string,
    check: (url: string, cookie: string) => Promise<void>,
  ): Promise<number> {
    for (let step = 1; ; step++) {
      const ends = ['before', 'after'].map(async (when) => {
        const url = await createDatabase(server.url)
        const { cookie, isDone, signal } = await run(url, scenario, String(step), when)
        if (!isDone) {
          expect(signal).toBe('SIGKILL')
          await check(url, cookie)
        }
        return isDone
      })
      const [isDone] = await Promise.all(ends)
      if (isDone) return step - 1
    }
  }

  // The record is one, and a token opens it if its secret is the record's: so it is one of the two that lives.
  it.each([
    ['sign-in', 'nobody', 'ada'],
    ['renew', 'ada', 'ada'],
  ])('%s: the old token lives or the new one, never both, never neither', async (scenario, before, after) => {
    const lives = { old: 0, new: 0 }
    const steps = await endEverywhere(scenario, async (url, cookie) => {
      const { rows, old } = await look(url, cookie)
      expect(rows).toMatchObject([{ values: { cart: 1 } }])
      lives[old === undefined ? 'new' : 'old'] += 1
      if (old === undefined) expect(rows).toMatchObject([{ user_id: after }])
      else expect(old).toBe(before)
    })
    print(`killed in ${scenario}`, [
      `${steps} statements`,
      `old lives ${lives.old}`,
      `new lives ${lives.new}`,
    ])
    expect(steps).toBe(2)
    expect(lives).toEqual({ old: 3, new: 1 })
  })

  it('sign-out: the session lives whole or is gone', async () => {
    const lives = { old: 0, none: 0 }
    const steps = await endEverywhere('sign-out', async (url, cookie) => {
      const { rows, old } = await look(url, cookie)
      if (old === undefined) expect(rows).toEqual([])
      else expect(rows).toMatchObject([{ user_id: 'ada', values: { cart: 1 } }])
      lives[old === undefined ? 'none' : 'old'] += 1
    })
    print('killed in sign-out', [`${steps} statements`, `old lives ${lives.old}`, `none lives ${lives.none}`])
    expect(lives).toEqual({ old: 3, none: 1 })
  })
})

/** Waits until the server has ended what the dead process had asked for. */
async function settled(pool: pg.Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      `select from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    )
    if (rows.length === 0) return
  }
}
