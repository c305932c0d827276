import assert from 'node:assert/strict'
import type { EpochMs, SessionListing, SessionRecord, Store } from '../store.ts'
import { aRecord, NOW } from './fixtures.ts'
import type { CasesByName } from './store-case.ts'

const HOUR = 3_600_000

/** Sessions of one user, last used at these instants. */
async function usedAt(store: Store, ...instants: readonly EpochMs[]): Promise<SessionRecord[]> {
  const records = instants.map((lastSeenAt) => aRecord({ userId: 'ada', lastSeenAt }))
  for (const record of records) assert.equal(await store.create(record, NOW), true)
  return records
}

/** Ids as the list has them. */
function inOrder(records: readonly SessionRecord[]): string[] {
  const byId = [...records].sort((a, b) => (a.id < b.id ? -1 : 1))
  return byId.sort((a, b) => b.lastSeenAt - a.lastSeenAt).map(({ id }) => id)
}

const idsOf = (page: readonly SessionListing[]) => page.map(({ id }) => id)

/** Walks the list to its end. @returns the ids, in order; a page that is no progress ends it. */
async function idsByPages(store: Store, limit: number): Promise<string[]> {
  const ids: string[] = []
  let after: SessionListing | undefined
  for (let pages = 0; pages < 20; pages++) {
    const page = await store.listByUser('ada', NOW, { limit, after })
    assert.ok(page.length <= limit, `a page of ${limit} holds ${page.length}`)
    ids.push(...idsOf(page))
    after = page.at(-1)
    if (after === undefined) break
  }
  return ids
}

/** The list of a user's sessions, in parts. */
export const pages: CasesByName = {
  async 'pages hold every entry exactly once, in the order of the list, whatever their size'(store) {
    const records = await usedAt(store, NOW - 1, NOW - HOUR, NOW, NOW - 997, NOW - 2, NOW - 1, NOW - 998)
    await store.create(aRecord({ userId: 'bob', lastSeenAt: NOW - 1 }), NOW)
    const expected = inOrder(records)
    assert.deepEqual(idsOf(await store.listByUser('ada', NOW)), expected)
    for (const limit of [1, 2, 3, 6, 7, 8, 1000]) {
      assert.deepEqual(await idsByPages(store, limit), expected, `pages of ${limit}`)
    }
  },

  async 'entries of one instant come by ascending id, on one page and across pages'(store) {
    const records = await usedAt(store, NOW, NOW, NOW, NOW, NOW, NOW)
    const expected = inOrder(records)
    assert.deepEqual(idsOf(await store.listByUser('ada', NOW)), expected)
    for (const limit of [1, 4]) assert.deepEqual(await idsByPages(store, limit), expected)
  },

  async 'a page has the entries of the list, whole'(store) {
    await usedAt(store, NOW, NOW - 1)
    const all = await store.listByUser('ada', NOW)
    assert.deepEqual(await store.listByUser('ada', NOW, { limit: 2, after: undefined }), all)
    assert.deepEqual(await store.listByUser('ada', NOW, { limit: 2, after: all[0] }), all.slice(1))
  },

  async 'a page goes on behind an entry that has ended meanwhile'(store) {
    const records = await usedAt(store, NOW, NOW - 1, NOW - 1, NOW - 2)
    const [first = '', second = '', ...rest] = inOrder(records)
    const after = (await store.listByUser('ada', NOW, { limit: 2 })).at(-1)
    await store.delete(first)
    await store.delete(second)
    assert.deepEqual(idsOf(await store.listByUser('ada', NOW, { limit: 9, after })), rest)
  },

  async 'an entry that is used between two pages moves to the front'(store) {
    const records = await usedAt(store, NOW, NOW - 1, NOW - 2)
    const [, second, third] = records
    assert.ok(second !== undefined && third !== undefined)
    const after = (await store.listByUser('ada', NOW, { limit: 1 })).at(-1)
    const { secretHash, expiresAt } = second
    await store.touch(second.id, { secretHash, lastSeenAt: NOW + 1, expiresAt }, NOW)
    assert.deepEqual(idsOf(await store.listByUser('ada', NOW, { limit: 9, after })), [third.id])
    assert.deepEqual(idsOf(await store.listByUser('ada', NOW, { limit: 1 })), [second.id])
  },

  async 'a page is full of live entries, whatever has expired between them'(store) {
    const ended = { userId: 'ada', expiresAt: NOW }
    for (const lastSeenAt of [NOW, NOW - 1, NOW - 3])
      await store.create(aRecord({ ...ended, lastSeenAt }), NOW)
    const expected = inOrder(await usedAt(store, NOW - 2, NOW - 4))
    assert.deepEqual(idsOf(await store.listByUser('ada', NOW, { limit: 2 })), expected)
    assert.deepEqual(await idsByPages(store, 1), expected)
  },

  async 'behind the last entry there is nothing, and a place need not be an entry’s'(store) {
    const records = await usedAt(store, NOW, NOW - 10)
    const [first = '', second = ''] = inOrder(records)
    const after = (lastSeenAt: EpochMs, id: string) => ({ limit: 9, after: { id, lastSeenAt } })
    const list = async (page: ReturnType<typeof after>) => idsOf(await store.listByUser('ada', NOW, page))
    assert.deepEqual(await list(after(NOW - 10, second)), [])
    assert.deepEqual(await list(after(0, '')), [])
    assert.deepEqual(await list(after(NOW - 5, first)), [second])
    assert.deepEqual(await list(after(NOW + HOUR, second)), [first, second])
    assert.deepEqual(await list(after(NOW, '')), [first, second])
    assert.deepEqual(await list(after(NOW, 'g')), [second])
  },

  async 'the empty user id and an unknown one have no page'(store) {
    await store.create(aRecord(), NOW)
    const after = { id: '', lastSeenAt: NOW + HOUR }
    for (const userId of ['', 'nobody']) {
      assert.deepEqual(await store.listByUser(userId, NOW, { limit: 1 }), [])
      assert.deepEqual(await store.listByUser(userId, NOW, { limit: 9, after }), [])
    }
  },
}
