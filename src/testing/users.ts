import assert from 'node:assert/strict'
import type { SessionListing, SessionRecord, Store } from '../store.ts'
import { aChange, aRecord, aSecretHash, NOW } from './fixtures.ts'
import { assertHolds, saved } from './store-assertions.ts'
import type { CasesByName } from './store-case.ts'

/** User ids that a pattern, a quote, a fold or a trim would take for one another. */
const lookalikes = [
  ...['ada', 'Ada', 'ADA', ' ada', 'ada ', 'adaa', 'ad', 'ada\u0301', 'ad\u00e1', 'ada\ufe0f'],
  ...['*', 'a*', 'ad?', '[ad]da', 'a%', '_da', '%', '{ada}', '{{ada}}', 'ada}', '.*', '^ada$'],
  ...[`ada'`, `ada''`, `o'brien`, '"ada"', 'ada"', 'ada\\', '\\ada', '`ada`', 'ada; --', '$1', 'ada\n'],
  ...['0', '00', '0.0', '-1', 'null', 'undefined', 'true', '{}', '[]', '__proto__', 'constructor', '🧥'],
  ...['x'.repeat(255), `${'x'.repeat(254)}y`, `${'é'.repeat(127)}x`],
]

function toListing({ secretHash, values, ...listing }: SessionRecord): SessionListing {
  return listing
}

const sorted = (ids: readonly string[]) => [...ids].sort()

async function created(
  store: Store,
  ...overrides: readonly Partial<SessionRecord>[]
): Promise<SessionRecord[]> {
  const records = overrides.map(aRecord)
  for (const record of records) assert.equal(await store.create(record, NOW), true)
  return records
}

/** One record of each user id, in the order of {@link lookalikes}. */
const createdLookalikes = (store: Store) => created(store, ...lookalikes.map((userId) => ({ userId })))

/** Sessions by user: lists, and ends from outside. */
export const users: CasesByName = {
  async 'listByUser gives the live records of that user, last used first, and no other'(store) {
    const records = await created(
      store,
      { userId: 'ada', lastSeenAt: NOW - 2, persistent: true, address: '192.0.2.7', userAgent: 'x/1' },
      { userId: 'ada', lastSeenAt: NOW },
      { userId: 'ada', lastSeenAt: NOW - 1, version: 5 },
      { userId: 'bob', lastSeenAt: NOW },
      { lastSeenAt: NOW },
    )
    const [oldest, newest, middle] = records.map(toListing)
    assert.deepEqual(await store.listByUser('ada', NOW), [newest, middle, oldest])
  },

  async 'a listing has neither the values nor the secret hash'(store) {
    await created(store, { userId: 'ada', values: '{"private":1}' })
    const [listing] = await store.listByUser('ada', NOW)
    assert.ok(listing !== undefined)
    assert.equal('values' in listing || 'secretHash' in listing, false)
    assert.equal(JSON.stringify(listing).includes(aSecretHash(1)), false)
  },

  async 'listByUser leaves out a record from its end on'(store) {
    const [first, second] = await created(
      store,
      { userId: 'ada', expiresAt: NOW + 1000 },
      { userId: 'ada', expiresAt: NOW + 1001 },
    )
    assert.ok(first !== undefined && second !== undefined)
    const ids = async (now: number) => sorted((await store.listByUser('ada', now)).map(({ id }) => id))
    assert.deepEqual(await ids(NOW + 999), sorted([first.id, second.id]))
    assert.deepEqual(await ids(NOW + 1000), [second.id])
    assert.deepEqual(await ids(NOW + 1001), [])
  },

  async 'listByUser follows touches and saves'(store) {
    const [first, second] = await created(store, { userId: 'ada' }, { userId: 'ada', lastSeenAt: NOW - 1 })
    assert.ok(first !== undefined && second !== undefined)
    const ids = async () => (await store.listByUser('ada', NOW)).map(({ id }) => id)
    const moved = { lastSeenAt: NOW + 1, expiresAt: NOW + 3_600_001 }
    await store.touch(second.id, { secretHash: second.secretHash, ...moved }, NOW)
    assert.deepEqual(await ids(), [second.id, first.id])
    await saved(store, first.id, aChange({ ...moved, lastSeenAt: NOW + 2 }), NOW)
    assert.deepEqual(await ids(), [first.id, second.id])
  },

  async 'the empty user id and an unknown one have no list'(store) {
    await created(store, {}, { userId: 'ada' })
    assert.deepEqual(await store.listByUser('', NOW), [])
    assert.deepEqual(await store.listByUser('nobody', NOW), [])
  },

  async 'a record is listed and ended under its user from the sign-in on'(store) {
    const [record] = await created(store, {})
    assert.ok(record !== undefined)
    const { id } = record
    const signIn = {
      ...{ userId: 'ada', signedInAt: NOW, idleTimeout: 3600, absoluteEnd: NOW + 86_400_000 },
      ...{ persistent: false, address: undefined, userAgent: undefined },
    }
    const renewal = { secretHash: aSecretHash(2), renewedAt: NOW, signIn }
    const after = await saved(store, id, aChange({ renewal }), NOW)
    assert.deepEqual(await store.listByUser('ada', NOW), [toListing(after)])
    assert.deepEqual(await store.deleteByUser('ada'), [id])
    assert.equal(await store.get(id, NOW), undefined)
  },

  async 'user ids that look alike are different users'(store) {
    const records = await createdLookalikes(store)
    for (const record of records) {
      assert.deepEqual(await store.listByUser(record.userId, NOW), [toListing(record)], record.userId)
      assert.equal((await store.get(record.id, NOW))?.userId, record.userId)
    }
    for (const record of records) {
      assert.deepEqual(await store.deleteByUser(record.userId), [record.id], record.userId)
    }
  },

  async 'delete for one user ends that user’s record and nobody else’s'(store) {
    const [record, other] = await created(store, { userId: 'ada' }, { userId: 'bob' })
    assert.ok(record !== undefined && other !== undefined)
    for (const userId of ['bob', ...lookalikes.filter((userId) => userId !== 'ada')]) {
      assert.equal(await store.delete(record.id, { userId }), false, userId)
    }
    await assertHolds(store, record, NOW)
    assert.equal(await store.delete(record.id, { userId: 'ada' }), true)
    assert.equal(await store.get(record.id, NOW), undefined)
    assert.equal(await store.delete(record.id, { userId: 'ada' }), false)
    await assertHolds(store, other, NOW)
  },

  async 'delete for the empty user id ends nothing, not even a record of nobody'(store) {
    const [record, nobodys] = await created(store, { userId: 'ada' }, {})
    assert.ok(record !== undefined && nobodys !== undefined)
    assert.equal(await store.delete(record.id, { userId: '' }), false)
    assert.equal(await store.delete(nobodys.id, { userId: '' }), false)
    await assertHolds(store, record, NOW)
    await assertHolds(store, nobodys, NOW)
  },

  async 'deleteByUser ends every record of that user, gives their ids, and leaves the others'(store) {
    const records = await created(store, { userId: 'ada' }, { userId: 'ada' }, { userId: 'bob' }, {})
    const [first, second, bobs, nobodys] = records
    assert.ok(first !== undefined && second !== undefined && bobs !== undefined && nobodys !== undefined)
    assert.deepEqual(sorted(await store.deleteByUser('ada')), sorted([first.id, second.id]))
    for (const { id } of [first, second]) assert.equal(await store.get(id, NOW), undefined)
    assert.deepEqual(await store.listByUser('ada', NOW), [])
    assert.deepEqual(await store.deleteByUser('ada'), [])
    await assertHolds(store, bobs, NOW)
    await assertHolds(store, nobodys, NOW)
  },

  async 'deleteByUser leaves no expired record of that user behind'(store) {
    const [record] = await created(store, { userId: 'ada', expiresAt: NOW - 1 })
    assert.ok(record !== undefined)
    await store.deleteByUser('ada')
    assert.equal(await store.delete(record.id), false)
  },

  async 'deleteByUser keeps the one session that is excepted'(store) {
    const records = await created(store, { userId: 'ada' }, { userId: 'ada' }, { userId: 'ada' })
    const [kept, ...ended] = records
    assert.ok(kept !== undefined)
    const ids = await store.deleteByUser('ada', { except: kept.id })
    assert.deepEqual(sorted(ids), sorted(ended.map(({ id }) => id)))
    await assertHolds(store, kept, NOW)
    assert.deepEqual(await store.listByUser('ada', NOW), [toListing(kept)])
  },

  async 'deleteByUser keeps nothing where the exception is undefined or no session of that user'(store) {
    const [, bobs] = await created(store, { userId: 'ada' }, { userId: 'bob' })
    assert.ok(bobs !== undefined)
    assert.equal((await store.deleteByUser('ada', { except: bobs.id })).length, 1)
    await created(store, { userId: 'ada' })
    assert.equal((await store.deleteByUser('ada', { except: undefined })).length, 1)
    await created(store, { userId: 'ada' })
    assert.equal((await store.deleteByUser('ada', { except: '' })).length, 1)
    await assertHolds(store, bobs, NOW)
  },

  async 'deleteByUser of the empty user id deletes nothing'(store) {
    const records = await created(store, {}, {}, { userId: 'ada' })
    assert.deepEqual(await store.deleteByUser(''), [])
    assert.deepEqual(await store.deleteByUser('', { except: records[0]?.id }), [])
    for (const record of records) await assertHolds(store, record, NOW)
  },
}
