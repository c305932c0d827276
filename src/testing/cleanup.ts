import assert from 'node:assert/strict'
import type { EpochMs, SessionRecord, Store } from '../store.ts'
import { aChange, aRecord, NOW } from './fixtures.ts'
import { assertHolds } from './store-assertions.ts'
import type { CasesByName } from './store-case.ts'

async function createdWithEnds(store: Store, ends: readonly EpochMs[]): Promise<SessionRecord[]> {
  const records = ends.map((expiresAt) => aRecord({ expiresAt, userId: 'ada' }))
  for (const record of records) await store.create(record, NOW)
  return records
}

/** How many of the records are still stored, live or expired. Ends them. */
async function countStored(store: Store, records: readonly SessionRecord[]): Promise<number> {
  let stored = 0
  for (const { id } of records) stored += (await store.delete(id)) ? 1 : 0
  return stored
}

/** Deleting what has expired. */
export const cleanup: CasesByName = {
  async 'cleanup deletes expired records, says how many, and leaves live ones'(store) {
    const expired = await createdWithEnds(store, [NOW - 86_400_000, NOW - 1000, NOW - 1])
    const live = await createdWithEnds(store, [NOW + 1, NOW + 1000, NOW + 86_400_000])
    assert.equal(await store.cleanup(NOW, 100), 3)
    for (const record of live) await assertHolds(store, record, NOW)
    assert.equal(await countStored(store, expired), 0)
    assert.equal(await countStored(store, live), 3)
  },

  async 'cleanup deletes a record at its very end and not a millisecond before'(store) {
    const records = await createdWithEnds(store, [NOW + 1500, NOW + 1501])
    assert.equal(await store.cleanup(NOW + 1499, 100), 0)
    assert.equal(await store.cleanup(NOW + 1500, 100), 1)
    assert.equal(await countStored(store, records), 1)
  },

  async 'cleanup deletes at most the limit; fewer than the limit means that no more are due'(store) {
    const records = await createdWithEnds(store, Array(5).fill(NOW - 1))
    assert.equal(await store.cleanup(NOW, 2), 2)
    assert.equal(await store.cleanup(NOW, 2), 2)
    assert.equal(await store.cleanup(NOW, 2), 1)
    assert.equal(await store.cleanup(NOW, 2), 0)
    assert.equal(await countStored(store, records), 0)
  },

  async 'cleanup that stops at its limit leaves the rest stored'(store) {
    const records = await createdWithEnds(store, Array(5).fill(NOW - 1))
    assert.equal(await store.cleanup(NOW, 3), 3)
    assert.equal(await countStored(store, records), 2)
  },

  async 'cleanup of an empty store, and of one with live records only, deletes nothing'(store) {
    assert.equal(await store.cleanup(NOW, 100), 0)
    const records = await createdWithEnds(store, [NOW + 1])
    assert.equal(await store.cleanup(NOW, 100), 0)
    assert.equal(await countStored(store, records), 1)
  },

  async 'cleanup goes by the end as a touch or a save has moved it'(store) {
    const end = NOW + 1000
    const [touched, saved, left] = await createdWithEnds(store, [end, end, end])
    assert.ok(touched !== undefined && saved !== undefined && left !== undefined)
    const moved = { lastSeenAt: end - 1, expiresAt: end + 1000 }
    await store.touch(touched.id, { secretHash: touched.secretHash, ...moved }, end - 1)
    await store.save(saved.id, aChange(moved), end - 1)
    assert.equal(await store.cleanup(end, 100), 1)
    await assertHolds(store, { ...touched, ...moved }, end)
    await assertHolds(store, { ...saved, ...moved, version: 2 }, end)
    assert.equal(await store.cleanup(end + 1000, 100), 2)
  },

  async 'cleanup takes a record off its user’s list'(store) {
    const [record] = await createdWithEnds(store, [NOW - 1])
    assert.ok(record !== undefined)
    assert.equal(await store.cleanup(NOW, 100), 1)
    assert.deepEqual(await store.deleteByUser('ada'), [])
  },
}
