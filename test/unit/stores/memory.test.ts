import { ConfigError } from 'coatcheck'
import { MemoryStore, type MemoryStoreOptions } from 'coatcheck/stores/memory'
import { aChange, aRecord, aSecretHash, NOW } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'

async function liveIds(store: MemoryStore, ids: readonly string[]): Promise<string[]> {
  const records = await Promise.all(ids.map((id) => store.get(id, NOW)))
  return records.flatMap((record) => record?.id ?? [])
}

/** A store for three, and the ids of the three that it holds, in the order of their creation. */
async function fullStore() {
  const store = new MemoryStore({ maxRecords: 3 })
  const records = [
    aRecord({ userId: 'ada' }),
    aRecord({ userId: 'ada' }),
    aRecord({ userId: 'ada' }),
  ] as const
  for (const record of records) await store.create(record, NOW)
  const [a, b, c] = records
  return { store, a, b, c }
}

describe('MemoryStore', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '10', null])(
    'refuses maxRecords: %s and names the option',
    (maxRecords) => {
      const options = { maxRecords } as MemoryStoreOptions // as JavaScript would pass it
      expect(() => new MemoryStore(options)).toThrow(ConfigError)
      expect(() => new MemoryStore(options)).toThrow(/^maxRecords must be a whole number/)
    },
  )

  it('refuses an option that it does not have and names it', () => {
    const options = { maxRecord: 10 } as MemoryStoreOptions // a misspelling
    expect(() => new MemoryStore(options)).toThrow(new ConfigError('MemoryStore has no option maxRecord'))
  })

  it('takes undefined for the default of 10 000 records', async () => {
    const store = new MemoryStore({ maxRecords: undefined })
    const first = aRecord()
    await store.create(first, NOW)
    for (let i = 1; i < 10_000; i += 1) await store.create(aRecord(), NOW)
    expect(await store.delete(first.id)).toBe(true)
    await store.create(first, NOW)
    for (let i = 0; i < 10_000; i += 1) await store.create(aRecord(), NOW)
    expect(await store.delete(first.id)).toBe(false)
  })

  it('holds exactly as many records as it may, and pushes out the first', async () => {
    const { store, a, b, c } = await fullStore()
    expect(await liveIds(store, [a.id, b.id, c.id])).toEqual([a.id, b.id, c.id])
    const d = aRecord()
    expect(await store.create(d, NOW)).toBe(true)
    expect(await liveIds(store, [a.id, b.id, c.id, d.id])).toEqual([b.id, c.id, d.id])
  })

  it('counts a read, a save and a touch as use', async () => {
    const { store, a, b, c } = await fullStore()
    await store.get(a.id, NOW)
    await store.touch(c.id, { secretHash: c.secretHash, lastSeenAt: NOW, expiresAt: NOW + 1 }, NOW)
    await store.save(b.id, aChange({ set: { n: '1' } }), NOW)
    for (const [pushedOut, left] of [
      [a, [c, b]],
      [c, [b]],
      [b, []],
    ] as const) {
      await store.create(aRecord(), NOW)
      const ids = (await store.listByUser('ada', NOW)).map(({ id }) => id)
      expect(ids).not.toContain(pushedOut.id)
      expect(ids.sort()).toEqual(left.map(({ id }) => id).sort())
    }
  })

  it('pushes a record off its user’s list as well', async () => {
    const { store, a, b, c } = await fullStore()
    await store.create(aRecord({ userId: 'bob' }), NOW)
    const ids = (await store.listByUser('ada', NOW)).map(({ id }) => id)
    expect(ids.sort()).toEqual([b.id, c.id].sort())
    expect((await store.deleteByUser('ada')).includes(a.id)).toBe(false)
  })

  it('pushes nothing out for a create that is refused, a save or a touch', async () => {
    const { store, a, b, c } = await fullStore()
    await store.create(aRecord({ id: a.id }), NOW)
    await store.save(b.id, aChange(), NOW)
    await store.touch(c.id, { secretHash: c.secretHash, lastSeenAt: NOW, expiresAt: NOW + 1 }, NOW)
    expect(await liveIds(store, [a.id, b.id, c.id])).toEqual([a.id, b.id, c.id])
  })

  it('moves a record between lists where a sign-in changes its user', async () => {
    const store = new MemoryStore()
    const { id } = aRecord()
    await store.create(aRecord({ id, userId: 'ada' }), NOW)
    const signIn = {
      ...{ userId: 'bob', signedInAt: NOW, idleTimeout: 60, absoluteEnd: NOW + 60_000 },
      ...{ persistent: false, address: undefined, userAgent: undefined },
    }
    const renewal = { secretHash: aSecretHash(2), renewedAt: NOW, signIn }
    await store.save(id, aChange({ renewal }), NOW)
    expect(await store.listByUser('ada', NOW)).toEqual([])
    expect((await store.listByUser('bob', NOW)).map((listing) => listing.id)).toEqual([id])
  })

  it('hands out records that cannot be altered', async () => {
    const store = new MemoryStore()
    const record = aRecord()
    await store.create(record, NOW)
    expect(Object.isFrozen(await store.get(record.id, NOW))).toBe(true)
    const result = await store.save(record.id, aChange({ set: { n: '1' } }), NOW)
    expect(result.outcome === 'saved' && Object.isFrozen(result.record)).toBe(true)
  })

  it('compares expected numbers by value: 0 and -0 are one', async () => {
    const store = new MemoryStore()
    const { id } = aRecord()
    await store.create(aRecord({ id, values: '{"n":0}' }), NOW)
    const change = aChange({ expect: { key: 'n', value: '-0' } })
    expect((await store.save(id, change, NOW)).outcome).toBe('saved')
  })
})
