import assert from 'node:assert/strict'
import type { SaveResult, SessionRecord, Store } from '../store.ts'
import { aChange, aRecord, aSecretHash, NOW } from './fixtures.ts'
import { atOnce, inRounds } from './race-rounds.ts'
import { parsed, valuesOf } from './store-assertions.ts'
import type { RacesByName } from './store-case.ts'

const range = (length: number) => Array.from({ length }, (_, i) => i)

async function createdRecords(store: Store, count: number, overrides: Partial<SessionRecord> = {}) {
  const records = range(count).map((n) => aRecord({ ...overrides, values: `{"n":${n}}` }))
  await Promise.all(records.map((record) => store.create(record, NOW)))
  return records
}

/** Cleans up some at a time until nothing is due, or more than there were. @returns how many this deleted. */
async function cleanedUp(store: Store, now: number): Promise<number> {
  let deleted = 0
  for (let count = 7; count === 7 && deleted < 100; deleted += count) count = await store.cleanup(now, 7)
  return deleted
}

/** Many records at once: a store that sends several calls in one statement must not mix them up. */
export const crowds: RacesByName = {
  async 'race: many saves at once each get the answer that is theirs'(a, b) {
    await inRounds(10, async (round) => {
      const records = await createdRecords(a, 40)
      const big = JSON.stringify('0123456789'.repeat(200))
      const changes = [
        aChange({ set: { saved: 'true' } }),
        aChange({ secretHash: aSecretHash(2), set: { saved: 'true' } }),
        aChange({ expect: { key: 'n', value: '-1' }, set: { saved: 'true' } }),
        aChange({ maxValuesBytes: 1000, set: { saved: big } }),
        aChange({ set: { saved: 'true' } }),
      ]
      const expected: SaveResult['outcome'][] = ['saved', 'superseded', 'unexpected', 'too-large', 'gone']
      await Promise.all(records.filter((_, n) => n % 5 === 4).map(({ id }) => a.delete(id)))

      const results = await atOnce(
        round,
        records.map(
          ({ id }, n) =>
            () =>
              (n % 2 ? a : b).save(id, changes[n % 5] ?? aChange(), NOW),
        ),
      )
      for (const [n, { id }] of records.entries()) {
        const result = results[n]
        assert.equal(result?.outcome, expected[n % 5])
        if (result?.outcome === 'saved') {
          assert.equal(result.record.id, id)
          assert.deepEqual(parsed(result.record.values), { n, saved: true })
        }
        const held = n % 5 === 4 ? undefined : n % 5 === 0 ? { n, saved: true } : { n }
        assert.deepEqual(await valuesOf(b, id, NOW), held)
      }
    })
  },

  async 'race: many reads at once each get their own record, as of their own instant'(a, b) {
    const end = NOW + 1000
    const records = await createdRecords(a, 30, { expiresAt: end })
    await inRounds(10, async (round) => {
      const reads = records.flatMap(({ id }) => [
        () => a.get(id, end - 1),
        () => b.get(id, end),
        () => b.get(aRecord().id, NOW),
        () => b.get(id, NOW),
      ])
      const results = await atOnce(round, reads)
      const expected = records.flatMap(({ id }) => [id, undefined, undefined, id])
      assert.deepEqual(
        results.map((record) => record?.id),
        expected,
      )
    })
  },

  async 'race: touches at once each move their own record, as of their own instant'(a, b) {
    await inRounds(10, async (round) => {
      const end = NOW + 1000
      const records = await createdRecords(a, 30, { expiresAt: end })
      const touch =
        ({ id }: SessionRecord, n: number) =>
        () => {
          const secretHash = aSecretHash(n % 3 === 1 ? 2 : 1)
          const to = { secretHash, lastSeenAt: NOW + n, expiresAt: end + n }
          return (n % 2 ? a : b).touch(id, to, n % 3 === 2 ? end : end - 1)
        }
      const results = await atOnce(round, records.map(touch))
      assert.deepEqual(
        results,
        records.map((_, n) => n % 3 === 0),
      )
      for (const [n, { id }] of records.entries()) {
        const moved = n % 3 === 0 ? n : 0
        assert.equal((await b.get(id, NOW))?.expiresAt, end + moved)
      }
    })
  },

  async 'race: saves of the same records in opposite orders all finish and all stay'(a, b) {
    await inRounds(10, async (round) => {
      const records = await createdRecords(a, 20)
      const save = (store: Store, key: string) => (record: SessionRecord) => () =>
        store.save(record.id, aChange({ set: { [key]: '1' } }), NOW)
      const forward = records.map(save(a, 'a'))
      const backward = records.toReversed().map(save(b, 'b'))
      const results = await atOnce(round, [...forward, ...backward])
      assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(['saved']))
      for (const [n, { id }] of records.entries()) {
        assert.deepEqual(await valuesOf(a, id, NOW), { n, a: 1, b: 1 })
      }
    })
  },

  async 'race: a record whose touch or save was acknowledged before its end survives a cleanup at its end'(
    a,
    b,
  ) {
    const end = NOW + 1000
    const moved = { lastSeenAt: end - 1, expiresAt: end + 60_000 }
    const isAcknowledged = async (store: Store, { id, secretHash }: SessionRecord, n: number) =>
      n % 2
        ? store.touch(id, { secretHash, ...moved }, end - 1)
        : (await store.save(id, aChange(moved), end - 1)).outcome === 'saved'

    await inRounds(20, async (round) => {
      const records = await createdRecords(a, 20, { expiresAt: end })
      const [cleaned, ...acknowledged] = await atOnce(round, [
        () => a.cleanup(end, 100),
        ...records.map((record, n) => () => isAcknowledged(b, record, n)),
      ])
      for (const [n, { id }] of records.entries()) {
        assert.equal((await b.get(id, end)) !== undefined, acknowledged[n])
      }
      assert.equal(cleaned, acknowledged.filter((isTrue) => !isTrue).length)
    })
  },

  async 'race: cleanups at once count each record once'(a, b) {
    await inRounds(15, async (round) => {
      await createdRecords(a, 30, { expiresAt: NOW })
      const counts = await atOnce(
        round,
        [a, b, a].map((store) => () => cleanedUp(store, NOW)),
      )
      const rest = await cleanedUp(b, NOW)
      assert.equal(
        counts.reduce((sum, count) => sum + count, rest),
        30,
      )
    })
  },
}
