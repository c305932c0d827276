import { generateKey, SessionManager, ValueError } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { fakeExchange } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'

// JSON text has 60 KB of it, jsonb's text, with a space after each comma, 90 KB.
const WIDE = Array.from({ length: 30_000 }, () => 1)

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

  async function aWideSession() {
    const exchange = fakeExchange()
    const session = await manager.start(exchange)
    session.set('wide', WIDE).set('small', 1)
    await manager.refresh(exchange, session)
    return exchange.next()
  }

  it('lets somebody sign in to a session that is too large as the database spells it', async () => {
    const exchange = await aWideSession()
    const session = await manager.start(exchange)
    session.setUserId('ada')
    await manager.refresh(exchange, session)
    expect((await manager.start(exchange.next())).userId).toBe('ada')
  })

  it('lets what makes room pass there: delete, update to nothing, clear', async () => {
    const exchange = await aWideSession()
    const session = await manager.start(exchange)
    await session.update('small', () => undefined)
    session.delete('wide')
    await manager.refresh(exchange, session)
    expect((await manager.start(exchange.next())).values()).toEqual({})
  })

  it('refuses what sets a value there', async () => {
    const exchange = await aWideSession()
    const session = await manager.start(exchange)
    session.set('more', 1)
    await expect(manager.refresh(exchange, session)).rejects.toBeInstanceOf(ValueError)
  })
})
