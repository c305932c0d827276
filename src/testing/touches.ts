import assert from 'node:assert/strict'
import { aChange, aRecord, aSecretHash, NOW } from './fixtures.ts'
import { assertHolds, saved } from './store-assertions.ts'
import type { CasesByName } from './store-case.ts'

/** The idle end and the last-seen time, by touch and by save. */
export const touches: CasesByName = {
  async 'touch moves the last-seen time and the end forward, and nothing else'(store) {
    const record = aRecord({ userId: 'ada', values: '{"cart":[1]}', version: 3 })
    await store.create(record, NOW)
    const moved = { lastSeenAt: NOW + 61_001, expiresAt: record.expiresAt + 61_001 }
    const to = { secretHash: record.secretHash, ...moved }
    assert.equal(await store.touch(record.id, to, NOW + 61_001), true)
    await assertHolds(store, { ...record, ...moved }, record.expiresAt + 61_000)
  },

  async 'touch answers true and lowers nothing where the record is further already'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const to = { secretHash: record.secretHash, lastSeenAt: NOW - 1, expiresAt: record.expiresAt - 1 }
    assert.equal(await store.touch(record.id, to, NOW), true)
    await assertHolds(store, record, NOW)
  },

  async 'touch moves each of the two times on its own'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const seen = { secretHash: record.secretHash, lastSeenAt: NOW + 5, expiresAt: record.expiresAt - 5 }
    assert.equal(await store.touch(record.id, seen, NOW), true)
    await assertHolds(store, { ...record, lastSeenAt: NOW + 5 }, NOW)
    const extended = { secretHash: record.secretHash, lastSeenAt: NOW, expiresAt: record.expiresAt + 5 }
    assert.equal(await store.touch(record.id, extended, NOW), true)
    await assertHolds(store, { ...record, lastSeenAt: NOW + 5, expiresAt: record.expiresAt + 5 }, NOW)
  },

  async 'touch with another secret answers false and moves nothing'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const to = { secretHash: aSecretHash(2), lastSeenAt: NOW + 1000, expiresAt: record.expiresAt + 1000 }
    assert.equal(await store.touch(record.id, to, NOW), false)
    await assertHolds(store, record, NOW)
  },

  async 'touch of one record moves no other'(store) {
    const [record, other] = [aRecord({ userId: 'ada' }), aRecord({ userId: 'ada' })]
    await store.create(record, NOW)
    await store.create(other, NOW)
    const to = { secretHash: record.secretHash, lastSeenAt: NOW + 1, expiresAt: record.expiresAt + 1 }
    await store.touch(record.id, to, NOW)
    await assertHolds(store, other, NOW)
  },

  async 'save moves the last-seen time and the end forward with what it writes'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const moved = { lastSeenAt: NOW + 1, expiresAt: record.expiresAt + 1 }
    const after = await saved(store, record.id, aChange(moved), NOW)
    assert.deepEqual(after, { ...record, ...moved, version: 2 })
  },

  async 'save without a renewal never lowers the last-seen time or the end'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const lower = { lastSeenAt: NOW - 1, expiresAt: record.expiresAt - 1 }
    const after = await saved(store, record.id, aChange({ ...lower, set: { cart: '[1]' } }), NOW)
    assert.equal(after.lastSeenAt, record.lastSeenAt)
    assert.equal(after.expiresAt, record.expiresAt)
  },

  async 'the version grows by one with each save and not with a touch'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const to = { secretHash: record.secretHash, lastSeenAt: NOW + 1, expiresAt: record.expiresAt + 1 }
    assert.equal((await saved(store, record.id, aChange({ set: { n: '1' } }), NOW)).version, 2)
    await store.touch(record.id, to, NOW)
    assert.equal((await saved(store, record.id, aChange({ set: { n: '1' } }), NOW)).version, 3)
    assert.equal((await saved(store, record.id, aChange({ delete: ['n'] }), NOW)).version, 4)
  },
}
