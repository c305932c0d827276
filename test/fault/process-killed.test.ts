import { SessionManager } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { fakeExchange } from 'coatcheck/testing'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { print } from './counts.ts'
import { SESSION_KEY, settled, useKilledProcesses } from './killed-process.ts'

/** What the table holds, and whether the old token opens it. */
interface Found {
  readonly rows: readonly { readonly id: string; readonly user_id: string; readonly values: unknown }[]
  /** Who the old token is taken for; `undefined`: it opens nothing. */
  readonly old: string | undefined
}

describe('a process that ends by SIGKILL between two steps', () => {
  const processes = useKilledProcesses()

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

  // The record is one, and a token opens it if its secret is the record's: so it is one of the two that lives.
  it.each([
    ['sign-in', 'nobody', 'ada'],
    ['renew', 'ada', 'ada'],
  ])('%s: the old token lives or the new one, never both, never neither', async (scenario, before, after) => {
    const lives = { old: 0, new: 0 }
    const check = async (url: string, cookie: string) => {
      const { rows, old } = await look(url, cookie)
      expect(rows).toMatchObject([{ values: { cart: 1 } }])
      lives[old === undefined ? 'new' : 'old'] += 1
      if (old === undefined) expect(rows).toMatchObject([{ user_id: after }])
      else expect(old).toBe(before)
    }
    const steps = await processes().endEverywhere({ scenario, check })
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
    const check = async (url: string, cookie: string) => {
      const { rows, old } = await look(url, cookie)
      if (old === undefined) expect(rows).toEqual([])
      else expect(rows).toMatchObject([{ user_id: 'ada', values: { cart: 1 } }])
      lives[old === undefined ? 'none' : 'old'] += 1
    }
    const steps = await processes().endEverywhere({ scenario: 'sign-out', check })
    print('killed in sign-out', [`${steps} statements`, `old lives ${lives.old}`, `none lives ${lives.none}`])
    expect(lives).toEqual({ old: 3, none: 1 })
  })

  it('change of user: the one lives or the other, or neither, never both, and no value reaches the other', async () => {
    const lives = { old: 0, none: 0, new: 0 }
    const check = async (url: string, cookie: string) => {
      const { rows, old } = await look(url, cookie)
      expect(rows.length).toBeLessThanOrEqual(1)
      const [row] = rows
      if (row?.user_id === 'ada')
        expect({ old, values: row.values }).toEqual({ old: 'ada', values: { cart: 1 } })
      else expect(old).toBeUndefined()
      if (row?.user_id === 'grace') expect(row.values).toEqual({})
      lives[row === undefined ? 'none' : row.user_id === 'ada' ? 'old' : 'new'] += 1
    }
    const steps = await processes().endEverywhere({ scenario: 'change-of-user', check })
    print('killed in a change of user', [
      `${steps} statements`,
      `old lives ${lives.old}`,
      `none lives ${lives.none}`,
      `new lives ${lives.new}`,
    ])
    expect(lives).toEqual({ old: 3, none: 2, new: 1 })
  })
})
