import { type PostgresDatabase, PostgresStore, type PostgresStoreOptions } from 'coatcheck/stores/postgres'
import { aChange, aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMigration } from '../../../src/internal/postgres-migration.ts'
import { createStatements } from '../../../src/internal/postgres-statements.ts'

/** A database that answers nothing and remembers what it was asked. */
function aDatabase() {
  const asked: { readonly text: string; readonly values: unknown[] }[] = []
  const db: PostgresDatabase = {
    query: async (text, values) => {
      asked.push({ text, values })
      return { rows: [] }
    },
  }
  return { db, asked }
}

describe('PostgresStore', () => {
  const { db } = aDatabase()

  it.each([
    '',
    '1st',
    'a"b',
    'a;b',
    'a-b',
    'a.b',
    'a b',
    "a'",
    'a\0',
    '$&',
    'é',
    'x'.repeat(64),
    'a\n',
    null,
    5,
  ])('refuses %j as the name of a table or schema (R-036)', (name) => {
    const options = (option: string) => ({ db, [option]: name }) as unknown as PostgresStoreOptions // wrong on purpose
    for (const option of ['table', 'schema']) {
      expect(() => new PostgresStore(options(option))).toThrow(
        expect.objectContaining({ code: 'ERR_SESSION_CONFIG' }),
      )
      expect(() => new PostgresStore(options(option))).toThrow(new RegExp(`^${option} must be a name`))
    }
  })

  it('takes undefined for the default of each option', () => {
    new PostgresStore({ db, table: undefined, schema: undefined, timeout: undefined })
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '4'])('refuses a timeout of %j', (timeout) => {
    const options = { db, timeout } as unknown as PostgresStoreOptions // wrong on purpose
    expect(() => new PostgresStore(options)).toThrow(/^timeout must be/)
  })

  it.each([undefined, null, {}, { query: 'select' }, 'postgres://'])('refuses %j as a database', (it) => {
    const options = { db: it } as unknown as PostgresStoreOptions // wrong on purpose
    expect(() => new PostgresStore(options)).toThrow(/^db must have a method query/)
  })

  it('refuses an option that it does not know, by name', () => {
    const options = { db, tableName: 'sessions' } as PostgresStoreOptions // wrong on purpose
    expect(() => new PostgresStore(options)).toThrow('PostgresStore has no option tableName')
  })

  it('asks nothing about an id or user that no table can hold', async () => {
    const { db, asked } = aDatabase()
    const store = new PostgresStore({ db })
    for (const text of ['\0', 'a\ud800']) {
      expect(await store.get(text, NOW)).toBeUndefined()
      expect(await store.save(text, aChange(), NOW)).toEqual({ outcome: 'gone' })
      expect(await store.touch(text, { secretHash: '', lastSeenAt: NOW, expiresAt: NOW }, NOW)).toBe(false)
      expect(await store.delete(text)).toBe(false)
      expect(await store.delete('a', { userId: text })).toBe(false)
      expect(await store.listByUser(text, NOW)).toEqual([])
      expect(await store.deleteByUser(text)).toEqual([])
    }
    expect(asked).toEqual([])
  })

  it('does not write a text that would come back as another', async () => {
    const { db, asked } = aDatabase()
    const store = new PostgresStore({ db })
    const broken = { code: 'ERR_SESSION_STORE', operation: 'create' }
    await expect(store.create(aRecord({ userId: 'a\ud800' }), NOW)).rejects.toMatchObject(broken)
    await expect(store.create(aRecord({ userAgent: '\0' }), NOW)).rejects.toMatchObject(broken)
    expect(asked).toEqual([])
  })

  it('sends no name but the quoted ones, and no value but as a parameter (R-036)', () => {
    const name = { schema: 'Order', table: 'Select' }
    const texts = [createMigration(name), ...Object.values(createStatements(name))].map(({ text }) => text)
    for (const text of texts.filter((it) => it.includes('Select'))) {
      expect(
        text.replaceAll('"Order"."Select"', '').replaceAll(/'coatcheck cleanup Order\.Select'/g, ''),
      ).not.toMatch(/(?<!")\bSelect\b/)
    }
  })

  it('gives connecting an end also where a timer is a number, as on Workers with an older compatibility date', async () => {
    const { setTimeout } = globalThis
    vi.stubGlobal('setTimeout', (...args: Parameters<typeof setTimeout>) => setTimeout(...args).unref() && 1)
    onTestFinished(() => void vi.unstubAllGlobals())
    const store = new PostgresStore({ db: new pg.Pool({ host: '127.0.0.1', port: 1 }) }) // where nobody listens
    await expect(store.get(aRecord().id, NOW)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  it('refuses nobody where the runtime keeps requests apart: statements of those that are gone never end', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    onTestFinished(() => void vi.unstubAllGlobals())
    let isAway = true
    const query = async () => (isAway ? new Promise<never>(() => {}) : { rows: [] })
    const store = new PostgresStore({ db: { query }, timeout: 0.001 })
    const asked = Array.from({ length: 20 }, (_, n) => store.get(`${n}`, NOW))
    for (const each of await Promise.allSettled(asked)) expect(each.status).toBe('rejected')
    isAway = false
    expect(await store.get('x', NOW)).toBeUndefined()
  })
})
