import assert from 'node:assert/strict'
import type { SignIn, Touch } from '../store.ts'
import { aChange, aRecord, aSecretHash, NOW } from './fixtures.ts'
import { assertHolds, assertRefused, assertSameRecord, saved } from './store-assertions.ts'
import type { CasesByName } from './store-case.ts'

const LATER = NOW + 90_001

const signIn: SignIn = {
  userId: 'ada',
  signedInAt: LATER,
  idleTimeout: 600,
  absoluteEnd: LATER + 7_200_000,
  persistent: true,
  address: '192.0.2.7',
  userAgent: 'x/1',
}

const renewed = { secretHash: aSecretHash(2), renewedAt: LATER }
const ends = { lastSeenAt: LATER, expiresAt: LATER + 600_000 }
const touchWith = (secretHash: string): Touch => ({ secretHash, ...ends })

/** A new secret for the same record: one statement, the old secret dead at once. */
export const renewal: CasesByName = {
  async 'a renewal replaces the secret in place: id, values, user, creation and absolute end stay'(store) {
    const record = aRecord({ userId: 'ada', values: '{"cart":[1]}', address: '192.0.2.9', userAgent: 'y/2' })
    await store.create(record, NOW)
    const after = await saved(store, record.id, aChange({ renewal: renewed, ...ends }), LATER)
    assertSameRecord(after, { ...record, ...renewed, ...ends, version: 2 })
  },

  async 'a sign-in sets all that belongs to it and keeps id, creation and values'(store) {
    const record = aRecord({ values: '{"cart":[1]}' })
    await store.create(record, NOW)
    const after = await saved(store, record.id, aChange({ renewal: { ...renewed, signIn }, ...ends }), LATER)
    assertSameRecord(after, { ...record, ...signIn, ...renewed, ...ends, version: 2 })
  },

  async 'a sign-in of the same user again starts the ends anew, also earlier, and takes away what it lacks'(
    store,
  ) {
    const before = aRecord({ ...signIn, signedInAt: NOW, absoluteEnd: NOW + 86_400_000 })
    await store.create(before, NOW)
    const again = { ...signIn, persistent: false, address: undefined, userAgent: undefined }
    const change = aChange({ renewal: { ...renewed, signIn: again }, ...ends })
    const after = await saved(store, before.id, change, LATER)
    assertSameRecord(after, { ...before, ...again, ...renewed, ...ends, version: 2 })
  },

  async 'a renewal may lower the last-seen time and the end'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const lower = { lastSeenAt: NOW - 1, expiresAt: record.expiresAt - 1 }
    const after = await saved(store, record.id, aChange({ renewal: renewed, ...lower }), NOW)
    assertSameRecord(after, { ...record, ...renewed, ...lower, version: 2 })
  },

  async 'a renewal writes the values of its change in the same step'(store) {
    const record = aRecord({ values: '{"a":1,"b":2}' })
    await store.create(record, NOW)
    const change = aChange({ renewal: { ...renewed, signIn }, delete: ['a'], set: { c: '3' }, ...ends })
    const after = await saved(store, record.id, change, LATER)
    assertSameRecord(after, {
      ...{ ...record, ...signIn, ...renewed, ...ends },
      values: '{"b":2,"c":3}',
      version: 2,
    })
  },

  async 'before a renewal the old secret works, after it only the new one does'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    assert.equal(await store.touch(record.id, touchWith(renewed.secretHash), NOW), false)
    assert.equal(await store.touch(record.id, touchWith(record.secretHash), NOW), true)

    const after = await saved(store, record.id, aChange({ renewal: renewed, ...ends }), LATER)
    const old = aChange({ set: { late: '1' }, lastSeenAt: LATER + 1, expiresAt: ends.expiresAt + 1 })
    assert.equal(await store.touch(record.id, touchWith(record.secretHash), LATER), false)
    await assertRefused(store, after, old, 'superseded', LATER)
    const again = { ...old, renewal: { secretHash: aSecretHash(3), renewedAt: LATER } }
    await assertRefused(store, after, again, 'superseded', LATER)

    assert.equal(await store.touch(record.id, touchWith(renewed.secretHash), LATER), true)
    await saved(store, record.id, { ...old, secretHash: renewed.secretHash }, LATER)
  },

  async 'the old secret stays dead after further renewals'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    for (const number of [1, 2, 3]) {
      const next = { secretHash: aSecretHash(number + 1), renewedAt: LATER + number }
      const change = aChange({ secretHash: aSecretHash(number), renewal: next, ...ends })
      await saved(store, record.id, change, LATER)
    }
    for (const number of [1, 2, 3]) {
      assert.equal(await store.touch(record.id, touchWith(aSecretHash(number)), LATER), false)
    }
    assert.equal(await store.touch(record.id, touchWith(aSecretHash(4)), LATER), true)
  },

  async 'a renewal of one record leaves the others alone'(store) {
    const [record, other] = [aRecord({ userId: 'ada' }), aRecord({ userId: 'ada' })]
    await store.create(record, NOW)
    await store.create(other, NOW)
    await saved(store, record.id, aChange({ renewal: { ...renewed, signIn }, ...ends }), LATER)
    await assertHolds(store, other, LATER)
  },

  async 'delete ends a record by its id, whatever secret it lives under'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    await saved(store, record.id, aChange({ renewal: renewed, ...ends }), LATER)
    assert.equal(await store.delete(record.id), true)
    assert.equal(await store.get(record.id, LATER), undefined)
  },
}
