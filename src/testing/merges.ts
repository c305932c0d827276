import assert from 'node:assert/strict'
import type { SaveResult, Store } from '../store.ts'
import { aChange, aRecord, aSecretHash, type ChangeOverrides, NOW } from './fixtures.ts'
import { assertHolds, assertRefused, parsed, saved, valuesOf } from './store-assertions.ts'
import type { CasesByName } from './store-case.ts'

/** Text that no compression makes small: 3 bytes of UTF-8 a character. */
const unlike = (characters: number) =>
  Array.from({ length: characters }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join('')

/** Asserts what the values are after one change to a record that holds `before`. */
async function assertMerged(
  store: Store,
  before: string,
  change: ChangeOverrides,
  after: unknown,
): Promise<void> {
  const record = aRecord({ values: before })
  await store.create(record, NOW)
  const { values } = await saved(store, record.id, aChange(change), NOW)
  assert.deepEqual(parsed(values), after)
}

/** Asserts what `expect` says to a record that holds `before`, and that it writes only when it is met. */
async function assertExpected(
  store: Store,
  before: string,
  expect: NonNullable<ChangeOverrides['expect']>,
  outcome: SaveResult['outcome'],
): Promise<void> {
  const record = aRecord({ values: before })
  await store.create(record, NOW)
  const result = await store.save(record.id, aChange({ expect, set: { after: 'true' } }), NOW)
  assert.equal(result.outcome, outcome, `${before} with ${expect.key}: ${expect.value}`)
  const written = outcome === 'saved' ? { after: true } : {}
  assert.deepEqual(await valuesOf(store, record.id, NOW), { ...parsed(before), ...written })
}

/** What a save does to the values, and when it does nothing. */
export const merges: CasesByName = {
  async 'set adds keys, replaces keys and keeps the others'(store) {
    const set = { b: '{"new":[]}', c: 'null' }
    await assertMerged(store, '{"a":1,"b":{"old":1}}', { set }, { a: 1, b: { new: [] }, c: null })
  },

  async 'delete removes keys, absent ones too, and keeps the others'(store) {
    await assertMerged(store, '{"a":1,"b":2,"c":3}', { delete: ['a', 'c', 'absent'] }, { b: 2 })
  },

  async 'clear removes every key'(store) {
    await assertMerged(store, '{"a":1,"b":{"c":2}}', { clear: true }, {})
  },

  async 'clear comes before delete and set: a key that is set stays'(store) {
    const change = { clear: true, delete: ['b', 'c'], set: { c: '3', d: '4' } }
    await assertMerged(store, '{"a":1,"b":2,"c":0}', change, { c: 3, d: 4 })
  },

  async 'delete comes before set: a key in both ends set'(store) {
    await assertMerged(store, '{"a":1,"b":2}', { delete: ['a', 'b'], set: { a: '9' } }, { a: 9 })
  },

  async 'a clear that is false, and empty or undefined parts, change no value'(store) {
    const parts = { clear: false, delete: [], set: {}, expect: undefined, renewal: undefined }
    await assertMerged(store, '{"a":1}', parts, { a: 1 })
    await assertMerged(store, '{"a":1}', { clear: undefined, delete: undefined, set: undefined }, { a: 1 })
  },

  async 'saves of different keys one after the other both stay; of one key the last stays'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    for (const set of [{ a: '1' }, { b: '1' }, { a: '2' }])
      await saved(store, record.id, aChange({ set }), NOW)
    assert.deepEqual(await valuesOf(store, record.id, NOW), { a: 2, b: 1 })
  },

  async 'a save of one record changes no other'(store) {
    const [record, other] = [aRecord(), aRecord({ values: '{"a":1}' })]
    await store.create(record, NOW)
    await store.create(other, NOW)
    await saved(store, record.id, aChange({ clear: true, set: { a: '2' } }), NOW)
    await assertHolds(store, other, NOW)
  },

  async 'a save of values leaves the secret, the user and every other field alone'(store) {
    const record = aRecord({ userId: 'ada', persistent: true, address: '192.0.2.7', userAgent: 'x/1' })
    await store.create(record, NOW)
    const after = await saved(store, record.id, aChange({ set: { a: '1' } }), NOW)
    assert.deepEqual({ ...after, values: record.values }, { ...record, version: 2 })
  },

  async 'a save with another secret is superseded and writes nothing'(store) {
    const record = aRecord({ values: '{"a":1}' })
    await store.create(record, NOW)
    const change = aChange({ secretHash: aSecretHash(2), set: { a: '2' }, expiresAt: record.expiresAt + 1 })
    await assertRefused(store, record, change, 'superseded', NOW)
    const renewal = { secretHash: aSecretHash(3), renewedAt: NOW }
    await assertRefused(store, record, { ...change, renewal }, 'superseded', NOW)
  },

  async 'expect of a value is met by that value only'(store) {
    const before = '{"n":1,"s":"1","nil":null,"list":[1,2],"empty":{}}'
    await assertExpected(store, before, { key: 'n', value: '1' }, 'saved')
    await assertExpected(store, before, { key: 'n', value: '2' }, 'unexpected')
    await assertExpected(store, before, { key: 'n', value: '"1"' }, 'unexpected')
    await assertExpected(store, before, { key: 's', value: '"1"' }, 'saved')
    await assertExpected(store, before, { key: 'list', value: '[1,2]' }, 'saved')
    await assertExpected(store, before, { key: 'list', value: '[2,1]' }, 'unexpected')
    await assertExpected(store, before, { key: 'empty', value: '{}' }, 'saved')
    await assertExpected(store, before, { key: 'empty', value: '[]' }, 'unexpected')
    await assertExpected(store, before, { key: 'absent', value: '1' }, 'unexpected')
  },

  async 'expect tells null and absent apart'(store) {
    const before = '{"nil":null,"n":1}'
    await assertExpected(store, before, { key: 'nil', value: 'null' }, 'saved')
    await assertExpected(store, before, { key: 'nil', value: undefined }, 'unexpected')
    await assertExpected(store, before, { key: 'absent', value: undefined }, 'saved')
    await assertExpected(store, before, { key: 'absent', value: 'null' }, 'unexpected')
    await assertExpected(store, before, { key: 'n', value: undefined }, 'unexpected')
    await assertExpected(store, before, { key: 'toString', value: undefined }, 'saved')
  },

  async 'expect compares as JSON: the order of keys, spaces and the spelling of numbers do not count'(store) {
    const before = '{"deep":{"b":[{"y":1,"x":2}],"a":"é"},"n":100,"list":[1]}'
    await assertExpected(
      store,
      before,
      { key: 'deep', value: '{"a":"\\u00e9","b":[{"x":2,"y":1}]}' },
      'saved',
    )
    await assertExpected(store, before, { key: 'deep', value: '{"a":"é","b":[{"x":2}]}' }, 'unexpected')
    await assertExpected(store, before, { key: 'n', value: '1e2' }, 'saved')
    await assertExpected(store, before, { key: 'n', value: '100.0' }, 'saved')
    await assertExpected(store, before, { key: 'list', value: ' [ 1 ] ' }, 'saved')
  },

  async 'expect judges the record before the change, and the change may clear or delete the key'(store) {
    const expect = { key: 'a', value: '1' }
    await assertMerged(store, '{"a":1,"b":2}', { expect, delete: ['a'] }, { b: 2 })
    await assertMerged(store, '{"a":1,"b":2}', { expect, clear: true, set: { a: '2' } }, { a: 2 })
  },

  async 'an expect that is not met writes nothing of the change'(store) {
    const record = aRecord({ values: '{"a":1}' })
    await store.create(record, NOW)
    const renewal = { secretHash: aSecretHash(2), renewedAt: NOW + 1 }
    const moved = { lastSeenAt: NOW + 1, expiresAt: record.expiresAt + 1 }
    const change = aChange({ expect: { key: 'a', value: '2' }, clear: true, renewal, ...moved })
    await assertRefused(store, record, change, 'unexpected', NOW)
  },

  async 'values over maxValuesBytes are too large, and nothing of the change is written'(store) {
    const record = aRecord({ values: '{"a":1}' })
    await store.create(record, NOW)
    const renewal = { secretHash: aSecretHash(2), renewedAt: NOW + 1 }
    const moved = { lastSeenAt: NOW + 1, expiresAt: record.expiresAt + 1 }
    const set = { a: '2', big: JSON.stringify(unlike(1000)) }
    const change = aChange({ maxValuesBytes: 1000, set, delete: ['a'], ...moved })
    await assertRefused(store, record, change, 'too-large', NOW)
    await assertRefused(store, record, { ...change, renewal }, 'too-large', NOW)
  },

  async 'maxValuesBytes counts bytes, not characters'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const change = aChange({ maxValuesBytes: 1500, set: { wide: JSON.stringify(unlike(1000)) } })
    await assertRefused(store, record, change, 'too-large', NOW)
    await saved(store, record.id, { ...change, maxValuesBytes: 4500 }, NOW)
  },

  async 'maxValuesBytes counts JSON text in UTF-8, with the spaces in its texts and with no others, to the byte'(
    store,
  ) {
    const list = JSON.stringify(Array.from({ length: 100 }, (_, at) => [at, {}]))
    const record = aRecord({ values: `{"list":${list}}` })
    await store.create(record, NOW)
    const text = JSON.stringify({ 'é: ': ['", , ', '\\', '🧥, , '] })
    const bytes = new TextEncoder().encode(`{"list":${list},"text":${text}}`).length
    const change = aChange({ set: { text } })
    const renewal = { secretHash: record.secretHash, renewedAt: NOW + 1 }
    await assertRefused(store, record, { ...change, maxValuesBytes: bytes - 1 }, 'too-large', NOW)
    await assertRefused(store, record, { ...change, renewal, maxValuesBytes: bytes - 1 }, 'too-large', NOW)
    await saved(store, record.id, { ...change, maxValuesBytes: bytes }, NOW)
    await saved(store, record.id, { ...change, renewal, maxValuesBytes: bytes }, NOW)
  },

  async 'maxValuesBytes counts what other saves have put there too'(store) {
    const record = aRecord()
    await store.create(record, NOW)
    const part = (key: string) =>
      aChange({ maxValuesBytes: 4000, set: { [key]: JSON.stringify(unlike(800)) } })
    const after = await saved(store, record.id, part('a'), NOW)
    await assertRefused(store, after, part('b'), 'too-large', NOW)
  },

  async 'maxValuesBytes counts the values after the change: one that makes room passes'(store) {
    const record = aRecord({ values: JSON.stringify({ big: unlike(3000), small: 1 }) })
    await store.create(record, NOW)
    const big = JSON.stringify(unlike(900))
    await saved(store, record.id, aChange({ maxValuesBytes: 4000, set: { big } }), NOW)
    await saved(store, record.id, aChange({ maxValuesBytes: 4000, delete: ['big'], set: { next: big } }), NOW)
    await saved(store, record.id, aChange({ maxValuesBytes: 4000, clear: true, set: { last: big } }), NOW)
    assert.deepEqual(await valuesOf(store, record.id, NOW), { last: unlike(900) })
  },

  async 'when several results apply, superseded comes before unexpected, and unexpected before too large'(
    store,
  ) {
    const record = aRecord({ values: '{"a":1}' })
    await store.create(record, NOW)
    const set = { big: JSON.stringify(unlike(1000)) }
    const all = aChange({
      secretHash: aSecretHash(2),
      expect: { key: 'a', value: '2' },
      set,
      maxValuesBytes: 500,
    })
    assert.deepEqual(await store.save(record.id, all, record.expiresAt), { outcome: 'gone' })
    await assertRefused(store, record, all, 'superseded', NOW)
    await assertRefused(store, record, { ...all, expect: undefined }, 'superseded', NOW)
    await assertRefused(store, record, { ...all, secretHash: record.secretHash }, 'unexpected', NOW)
  },
}
