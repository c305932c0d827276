import { generateKey, SessionManager, ValueError } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { fakeExchange } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

/** 60 KB of JSON text; 90 KB of jsonb's, which has a space after each comma. */
const SPACED = Array.from({ length: 30_000 }, () => 1)
/** 60 KB of JSON text; 240 KB of jsonb's, which writes each out in 22 digits. */
const LONG = Array.from({ length: 10_000 }, () => 1e21)

describe('maxValuesBytes on PostgreSQL', () => {
  let pool: pg.Pool
  let manager: SessionManager

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: await createDatabase(inject('postgres')[18]) })
    const store = new PostgresStore({ db: pool })
    await store.migrate()
    manager = new SessionManager({ store, authKey: generateKey() })
  })

  afterAll(async () => {
    await manager.close()
    await pool.end()
  })

  async function aSessionWith(wide: readonly number[]) {
    const exchange = fakeExchange()
    const session = await manager.start(exchange)
    session.set('wide', wide).set('small', 1)
    await manager.refresh(exchange, session)
    return exchange.next()
  }

  it('counts at a save what it counted at the beginning, whatever spaces the database puts in', async () => {
    let exchange = await aSessionWith(SPACED)
    for (const size of [5000, 6000]) {
      const session = await manager.start(exchange)
      session.setUserId('ada').set('more', 'x'.repeat(size))
      if (size === 5000) await manager.refresh(exchange, session)
      else await expect(manager.refresh(exchange, session)).rejects.toBeInstanceOf(ValueError)
      exchange = exchange.next()
    }
    expect((await manager.start(exchange)).get('more')).toHaveLength(5000)
  })

  it('lets somebody sign in to a session that is too large as the database writes numbers', async () => {
    const exchange = await aSessionWith(LONG)
    const session = await manager.start(exchange)
    session.setUserId('ada')
    await manager.refresh(exchange, session)
    expect((await manager.start(exchange.next())).userId).toBe('ada')
  })

  it('lets what makes room pass there: delete, update to nothing, clear', async () => {
    const exchange = await aSessionWith(LONG)
    const session = await manager.start(exchange)
    await session.update('small', () => undefined)
    session.delete('wide')
    await manager.refresh(exchange, session)
    expect((await manager.start(exchange.next())).values()).toEqual({})
  })

  it('refuses what sets a value there', async () => {
    const exchange = await aSessionWith(LONG)
    const session = await manager.start(exchange)
    session.set('more', 1)
    await expect(manager.refresh(exchange, session)).rejects.toBeInstanceOf(ValueError)
  })
})
