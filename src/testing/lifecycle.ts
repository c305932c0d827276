import assert from 'node:assert/strict'
import type { SessionRecord } from '../store.ts'
import { aChange, aRecord, aSecretHash, NOW } from './fixtures.ts'
import { assertHolds, assertSameRecord, valuesOf } from './store-assertions.ts'
import type { CasesByName } from './store-case.ts'

const A = '3f0c9a51-7d64-4c1e-9b7a-5d20c6f4e1a8'
const ONE_DIGIT_OFF = '3f0c9a51-7d64-4c1e-9b7a-5d20c6f4e1a9'
const UNKNOWN = '00000000-0000-4000-8000-000000000000'

/** Every field set, with instants that are not whole seconds. */
const complete: SessionRecord = aRecord({
  id: A,
  userId: 'ada',
  values: '{"cart":[1,{"two":"2"}]}',
  version: 7,
  createdAt: NOW - 86_399_999,
  signedInAt: NOW - 1001,
  renewedAt: NOW - 999,
  lastSeenAt: NOW - 1,
  idleTimeout: 0.5,
  absoluteEnd: NOW + 400 * 86_400_000 + 1,
  expiresAt: NOW + 499,
  persistent: true,
  address: '2001:db8::1%eth0',
  userAgent: `Mozilla/5.0 (X11; "quoted" 'single' \\ $1 %s) ${'x'.repeat(400)} ✓`,
})

/** create, get and delete, and what a record is after its end. */
export const lifecycle: CasesByName = {
  async 'a created record comes back with every field as it was'(store) {
    assert.equal(await store.create(complete, NOW), true)
    await assertHolds(store, complete, NOW)
  },

  async 'a created record of nobody comes back with every absent field undefined'(store) {
    const record = aRecord()
    assert.equal(await store.create(record, NOW), true)
    await assertHolds(store, record, NOW)
  },

  async 'create does nothing and answers false where the id is taken by a live record (R-005)'(store) {
    await store.create(complete, NOW)
    const other = aRecord({ id: A, userId: 'bob', secretHash: aSecretHash(2), values: '{"other":1}' })
    assert.equal(await store.create(other, NOW), false)
    await assertHolds(store, complete, NOW)
    assert.deepEqual(await store.listByUser('bob', NOW), [])
  },

  async 'create does nothing and answers false where the id is taken by an expired record (R-005)'(store) {
    await store.create(complete, NOW)
    const other = aRecord({ id: A, values: '{"other":1}', secretHash: aSecretHash(2) })
    assert.equal(await store.create(other, complete.expiresAt), false)
    assert.equal(await store.get(A, complete.expiresAt), undefined)
    await assertHolds(store, complete, NOW)
  },

  async 'records whose ids differ by one digit are two records'(store) {
    const other = aRecord({ id: ONE_DIGIT_OFF, values: '{"n":2}' })
    await store.create(complete, NOW)
    assert.equal(await store.create(other, NOW), true)
    await assertHolds(store, complete, NOW)
    await assertHolds(store, other, NOW)
    assert.equal(await store.delete(A), true)
    await assertHolds(store, other, NOW)
  },

  async 'an id that is unknown is an answer of every method, and none of them creates it (R-101)'(store) {
    const to = { secretHash: aSecretHash(1), lastSeenAt: NOW, expiresAt: NOW + 1 }
    assert.equal(await store.get(UNKNOWN, NOW), undefined)
    assert.deepEqual(await store.save(UNKNOWN, aChange({ set: { cart: '[1]' } }), NOW), { outcome: 'gone' })
    assert.equal(await store.touch(UNKNOWN, to, NOW), false)
    assert.equal(await store.delete(UNKNOWN), false)
    assert.equal(await store.delete(UNKNOWN, { userId: 'ada' }), false)
    assert.equal(await store.get(UNKNOWN, NOW), undefined)
  },

  async 'a record is live at every instant before its end, also before its creation'(store) {
    await store.create(complete, NOW)
    await assertHolds(store, complete, complete.createdAt - 60_000)
    await assertHolds(store, complete, complete.expiresAt - 1)
  },

  async 'a record is dead to every method at its end and after it, whether or not cleanup has run'(store) {
    await store.create(complete, NOW)
    for (const now of [complete.expiresAt, complete.expiresAt + 1, complete.absoluteEnd + 1]) {
      const to = { secretHash: complete.secretHash, lastSeenAt: now, expiresAt: now + 60_000 }
      const change = aChange({ set: { late: '1' }, lastSeenAt: now, expiresAt: now + 60_000 })
      const renewal = { secretHash: aSecretHash(2), renewedAt: now }
      assert.equal(await store.touch(A, to, now), false)
      assert.deepEqual(await store.save(A, change, now), { outcome: 'gone' })
      assert.deepEqual(await store.save(A, { ...change, renewal }, now), { outcome: 'gone' })
      assert.equal(await store.get(A, now), undefined)
      assert.deepEqual(await store.listByUser('ada', now), [])
    }
    await assertHolds(store, complete, complete.expiresAt - 1)
  },

  async 'save and touch reach a record until the last millisecond before its end'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const now = record.expiresAt - 1
    const to = { secretHash: record.secretHash, lastSeenAt: now, expiresAt: now + 60_000 }
    assert.equal(await store.touch(record.id, to, now), true)
    const later = now + 59_999
    const change = aChange({ set: { cart: '[1]' }, lastSeenAt: later, expiresAt: later + 1 })
    assert.equal((await store.save(record.id, change, later)).outcome, 'saved')
    assert.deepEqual(await valuesOf(store, record.id, later), { cart: [1] })
  },

  async 'delete ends a live record, once'(store) {
    await store.create(complete, NOW)
    assert.equal(await store.delete(A), true)
    assert.equal(await store.get(A, NOW), undefined)
    assert.deepEqual(await store.listByUser('ada', NOW), [])
    assert.equal(await store.delete(A), false)
  },

  async 'delete ends an expired record too'(store) {
    const record = aRecord({ lastSeenAt: NOW - 2, expiresAt: NOW - 1 })
    await store.create(record, NOW)
    assert.equal(await store.delete(record.id), true)
    assert.equal(await store.get(record.id, NOW - 2), undefined)
  },

  async 'a deleted record stays deleted when a slow request saves, renews or touches it'(store) {
    await store.create(complete, NOW)
    await store.delete(A)
    const to = { secretHash: complete.secretHash, lastSeenAt: NOW, expiresAt: NOW + 60_000 }
    const renewal = { secretHash: aSecretHash(2), renewedAt: NOW }
    assert.deepEqual(await store.save(A, aChange({ set: { cart: '[1]' } }), NOW), { outcome: 'gone' })
    assert.deepEqual(await store.save(A, aChange({ renewal }), NOW), { outcome: 'gone' })
    assert.equal(await store.touch(A, to, NOW), false)
    assert.equal(await store.get(A, NOW), undefined)
    assert.deepEqual(await store.listByUser('ada', NOW), [])
  },

  async 'what a caller does to a record that it gave or got alters nothing in the store'(store) {
    const given = { ...complete }
    await store.create(given, NOW)
    Reflect.set(given, 'userId', 'mallory')
    const got = await store.get(A, NOW)
    assert.ok(got !== undefined)
    Reflect.set(got, 'secretHash', aSecretHash(9))
    Reflect.set(got, 'values', '{"altered":true}')
    assertSameRecord(await store.get(A, NOW), complete)
  },

  async 'close waits for what is under way and fails none of it'(store) {
    const creates = Array.from({ length: 20 }, () => store.create(aRecord(), NOW))
    await store.close?.()
    assert.deepEqual(await Promise.all(creates), Array(20).fill(true))
  },

  async 'serverTime, where there is one, gives epoch milliseconds'(store) {
    if (store.serverTime === undefined) return
    const time = await store.serverTime()
    const year = 365 * 86_400_000
    assert.ok(Number.isFinite(time) && time > NOW - 10 * year && time < NOW + 100 * year, `${time}`)
  },
}
