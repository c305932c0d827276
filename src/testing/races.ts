import assert from 'node:assert/strict'
import type { SaveResult, SignIn, Store } from '../store.ts'
import { aChange, aRecord, aSecretHash, NOW } from './fixtures.ts'
import { atOnce, inRounds } from './race-rounds.ts'
import { parsed, valuesOf } from './store-assertions.ts'
import type { RacesByName } from './store-case.ts'

const OLD = aSecretHash(1)
const ends = { lastSeenAt: NOW + 1, expiresAt: NOW + 3_600_001 }
const touch = { secretHash: OLD, ...ends }
const aRenewal = (number: number) => aChange({ renewal: { secretHash: aSecretHash(number), renewedAt: NOW } })
const outcomes = (...results: readonly SaveResult[]) => results.map(({ outcome }) => outcome).sort()
const range = (length: number) => Array.from({ length }, (_, i) => i)

const aSignIn = (userId: string): SignIn => ({
  ...{ userId, signedInAt: NOW, idleTimeout: 3600, absoluteEnd: NOW + 86_400_000 },
  ...{ persistent: false, address: undefined, userAgent: undefined },
})

async function assertDead(store: Store, id: string): Promise<void> {
  const answers = await Promise.all([store.get(id, NOW), store.touch(id, touch, NOW), store.delete(id)])
  assert.deepEqual(answers, [undefined, false, false])
}

/** Adds one to the value `n` by compare-and-set, as `session.update()` does. Eight workers need some 10 tries. */
async function increment(store: Store, id: string): Promise<void> {
  for (let tries = 1; tries <= 1000; tries += 1) {
    const record = await store.get(id, NOW)
    const n = Number(parsed(record?.values ?? '{}').n)
    const change = aChange({ expect: { key: 'n', value: `${n}` }, set: { n: `${n + 1}` } })
    const { outcome } = await store.save(id, change, NOW)
    if (outcome === 'saved') return
    assert.equal(outcome, 'unexpected')
  }
  assert.fail('no try of 1000 was written')
}

/** Writers against each other on one record. */
export const races: RacesByName = {
  async 'race: parallel saves of different keys all stay'(a, b) {
    await inRounds(25, async (round) => {
      const { id } = aRecord()
      await a.create(aRecord({ id }), NOW)
      const keys = range(20)
      const save = (i: number) => () =>
        (i % 2 ? a : b).save(id, aChange({ set: { [`key${i}`]: `${i}` } }), NOW)
      const results = await atOnce(round, keys.map(save))
      assert.deepEqual(outcomes(...results), Array(20).fill('saved'))
      const expected = Object.fromEntries(keys.map((i) => [`key${i}`, i]))
      assert.deepEqual(await valuesOf(a, id, NOW), expected)
      assert.equal((await b.get(id, NOW))?.version, 21)
    })
  },

  async 'race: of eight workers that increment a value by expect, none loses an increment'(a, b) {
    const record = aRecord({ values: '{"n":0,"other":1}' })
    await a.create(record, NOW)
    const worker = async (i: number) => {
      await inRounds(25, () => increment(i % 2 ? a : b, record.id))
    }
    await Promise.all(range(8).map(worker))
    assert.deepEqual(await valuesOf(a, record.id, NOW), { n: 200, other: 1 })
    assert.equal((await b.get(record.id, NOW))?.version, 201)
  },

  async 'race: dead stays dead, whichever of save, touch and renewal runs beside delete'(a, b) {
    await inRounds(200, async (round) => {
      const { id, userId } = aRecord({ userId: 'ada' })
      await a.create(aRecord({ id, userId }), NOW)
      const [deleted] = await atOnce(round, [
        () => a.delete(id),
        () => b.save(id, aChange({ set: { late: '1' }, ...ends }), NOW),
        () => a.touch(id, touch, NOW),
        () => b.save(id, aRenewal(2), NOW),
      ])
      assert.equal(deleted, true)
      await assertDead(b, id)
      assert.deepEqual(await a.listByUser(userId, NOW), [])
    })
  },

  async 'race: of three renewals at once one is saved, and its secret is the only one that lives'(a, b) {
    await inRounds(200, async (round) => {
      const { id } = aRecord()
      await a.create(aRecord({ id }), NOW)
      const results = await atOnce(round, [
        () => a.save(id, aRenewal(2), NOW),
        () => b.save(id, aRenewal(3), NOW),
        () => a.save(id, aRenewal(4), NOW),
      ])
      assert.deepEqual(outcomes(...results), ['saved', 'superseded', 'superseded'])
      const winner = results.findIndex(({ outcome }) => outcome === 'saved')
      const record = await b.get(id, NOW)
      assert.equal(record?.secretHash, aSecretHash(winner + 2))
      assert.equal(record?.version, 2)
      assert.equal(await a.touch(id, touch, NOW), false)
    })
  },

  async 'race: a save beside a renewal is written whole or superseded, and its answer says which'(a, b) {
    await inRounds(200, async (round) => {
      const { id } = aRecord()
      await a.create(aRecord({ id }), NOW)
      const [renewal, save] = await atOnce(round, [
        () => a.save(id, aRenewal(2), NOW),
        () => b.save(id, aChange({ set: { late: '1' } }), NOW),
        () => b.touch(id, touch, NOW),
      ])
      const written = save.outcome === 'saved'
      assert.equal(renewal.outcome, 'saved')
      assert.ok(written || save.outcome === 'superseded')
      const record = await a.get(id, NOW)
      assert.equal(record?.secretHash, aSecretHash(2))
      assert.equal(record?.version, written ? 3 : 2)
      assert.deepEqual(parsed(record?.values ?? ''), written ? { late: 1 } : {})
    })
  },

  async 'race: of several creates of one id one is true, and the record is that one’s (R-005)'(a, b) {
    await inRounds(150, async (round) => {
      const { id } = aRecord()
      const create = (n: number) => () => (n % 2 ? a : b).create(aRecord({ id, values: `{"n":${n}}` }), NOW)
      const results = await atOnce(round, range(4).map(create))
      assert.deepEqual(results.filter(Boolean), [true])
      assert.deepEqual(await valuesOf(b, id, NOW), { n: results.indexOf(true) })
    })
  },

  async 'race: of several deletes of one record one is true'(a, b) {
    await inRounds(150, async (round) => {
      const { id } = aRecord()
      await a.create(aRecord({ id, userId: 'ada' }), NOW)
      const only = { userId: 'ada' }
      const deletes = [() => a.delete(id), () => b.delete(id), () => a.delete(id, only)]
      assert.deepEqual((await atOnce(round, deletes)).filter(Boolean), [true])
      await assertDead(b, id)
    })
  },

  async 'race: a sign-in and a save of two keys are seen whole or not at all'(a, b) {
    await inRounds(100, async (round) => {
      const { id } = aRecord()
      await a.create(aRecord({ id }), NOW)
      const signIn = aSignIn('ada')
      const renewal = { secretHash: aSecretHash(2), renewedAt: NOW + 1, signIn }
      const change = aChange({ renewal, set: { x: '1', y: '1' } })
      const read = () => b.get(id, NOW)
      const [, ...records] = await atOnce(round, [() => a.save(id, change, NOW), read, read, read])
      for (const record of records) {
        const { x, y } = parsed(record?.values ?? '')
        const parts = [record?.version === 2, record?.userId === 'ada', record?.secretHash !== OLD, x, y]
        assert.ok(parts.every(Boolean) || !parts.some(Boolean), JSON.stringify(record))
      }
    })
  },

  async 'race: deleteByUser ends every session whose sign-in was acknowledged, renewals or not'(a, b) {
    await inRounds(50, async (round) => {
      const userId = `ada${round}`
      const records = range(5).map(() => aRecord())
      await Promise.all(records.map((record) => a.create(record, NOW)))
      const signIn = aSignIn(userId)
      const signedIn = aChange({ renewal: { secretHash: OLD, renewedAt: NOW, signIn } })
      await Promise.all(records.slice(1).map(({ id }) => b.save(id, signedIn, NOW)))

      const renew =
        ({ id }: { id: string }) =>
        () =>
          b.save(id, { ...signedIn, ...aRenewal(2) }, NOW)
      const late = records[0]
      assert.ok(late !== undefined)
      const [ended] = await atOnce(round, [
        () => a.deleteByUser(userId),
        ...records.slice(1).map(renew),
        () => b.save(late.id, signedIn, NOW),
      ])
      for (const { id } of records.slice(1)) assert.ok(ended.includes(id), 'a session escaped')
      await Promise.all(records.slice(1).map(({ id }) => assertDead(b, id)))
      const isLateLive = (await b.get(late.id, NOW)) !== undefined
      assert.equal(isLateLive, !ended.includes(late.id))
      assert.equal((await a.listByUser(userId, NOW)).length, isLateLive ? 1 : 0)
    })
  },

  async 'race: deleteByUser keeps the excepted session and what it saves meanwhile'(a, b) {
    await inRounds(100, async (round) => {
      const userId = `ada${round}`
      const [kept, other] = [aRecord({ userId }), aRecord({ userId })]
      await Promise.all([a.create(kept, NOW), b.create(other, NOW)])
      const [ended, save] = await atOnce(round, [
        () => a.deleteByUser(userId, { except: kept.id }),
        () => b.save(kept.id, { ...aRenewal(2), set: new Map([['n', '1']]) }, NOW),
        () => b.touch(other.id, touch, NOW),
      ])
      assert.deepEqual(ended, [other.id])
      assert.equal(save.outcome, 'saved')
      assert.deepEqual(await valuesOf(a, kept.id, NOW), { n: 1 })
      await assertDead(b, other.id)
    })
  },
}
