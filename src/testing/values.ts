import assert from 'node:assert/strict'
import type { Store } from '../store.ts'
import { aChange, aRecord, NOW } from './fixtures.ts'
import { assertHolds, parsed, saved, valuesOf } from './store-assertions.ts'
import type { CasesByName } from './store-case.ts'

/** Asserts that values come back equal as JSON, both from `create` and, key by key, from `save`. */
async function assertKept(store: Store, values: object): Promise<void> {
  const created = aRecord({ values: JSON.stringify(values) })
  await store.create(created, NOW)
  assert.deepEqual(await valuesOf(store, created.id, NOW), parsed(created.values))

  const record = aRecord()
  await store.create(record, NOW)
  const set = new Map(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]))
  const after = await saved(store, record.id, aChange({ set }), NOW)
  assert.deepEqual(parsed(after.values), parsed(created.values))
}

/** Asserts that each key can be set, expected and deleted beside the others. */
async function assertUsableKeys(store: Store, keys: readonly string[]): Promise<void> {
  const record = aRecord()
  await store.create(record, NOW)
  const set = new Map(keys.map((key, i) => [key, `${i}`]))
  await saved(store, record.id, aChange({ set }), NOW)
  for (const [key, value] of set) {
    await saved(store, record.id, aChange({ expect: { key, value }, delete: [key] }), NOW)
    set.delete(key)
    const left = parsed(`{${[...set].map(([k, v]) => `${JSON.stringify(k)}:${v}`).join()}}`)
    assert.deepEqual(
      await valuesOf(store, record.id, NOW),
      left,
      `after the removal of ${JSON.stringify(key)}`,
    )
  }
}

/** Keys that a path, a pattern, a placeholder, a prototype or a column would take for something else. */
const keys = [
  ...['', ' ', '\u00e9', 'e\u0301', '🧥', 'x'.repeat(500)],
  ...'a b A a.b 0 1 -1 01 null # - * ? % : $ $1 $.a , { } {a} {a,b} [0] \\ \' " `'.split(' '),
  ...'constructor toString hasOwnProperty valueOf toJSON length then'.split(' '),
  ...'id userId user_id values version expiresAt secretHash'.split(' '),
]

/** Values come back as they went in. */
export const values: CasesByName = {
  async 'text comes back with every character, quotes, escapes and placeholders included'(store) {
    await assertKept(store, {
      empty: '',
      quotes: `"double" 'single' \`back\` ''two''`,
      escapes: 'a\\b \\u0041 \\n \n \r\n \t \b \f \u0001 \u001f \u007f',
      placeholders: '$1 $2::jsonb :name ? %s %I %% {0} #{y} <%= z %>',
      json: '{"looks":["like",null]}',
      unicode: '\u00e9 e\u0301 ß ﬁ \u00c5 \u212b \u00a0\u200b\u2028\u2029\ufeff\ufffd\uffff',
      emoji: '👩‍👩‍👧‍👦 🏳️‍🌈 𝒳 \u{10ffff}',
      rightToLeft: 'שלום \u202eabc',
      spaces: '  leading and trailing  ',
    })
  },

  async 'numbers come back exactly, the largest and the smallest included'(store) {
    const all = [0, 1, -1, 0.1, -0.1, 1 / 3, 1e21, 1e-7, 123456789012345.67, 2 ** 53, -(2 ** 53 - 1)]
    await assertKept(store, { all, max: Number.MAX_VALUE, least: Number.MIN_VALUE, low: -Number.MAX_VALUE })
  },

  async 'nested values come back with their shape: empty lists, empty objects, null and booleans'(store) {
    await assertKept(store, {
      list: [],
      object: {},
      nil: null,
      yes: true,
      no: false,
      mixed: [[], {}, [[]], [{}], { a: [] }, { a: {} }, null, false, 0, ''],
      sparse: { 10: 'ten', 9: 'nine', '-1': 'minus', '1.5': 'half', '01': 'padded' },
      deep: parsed(`${'{"a":['.repeat(40)}1${']}'.repeat(40)}`),
    })
  },

  async 'keys may be any text: empty, quoted, dotted, numbered, named like members of objects'(store) {
    await assertUsableKeys(store, keys)
    await assertKept(store, Object.fromEntries(keys.map((key) => [key, { [key]: key }])))
  },

  async 'a key __proto__ in stored text stays a key and alters no object (R-080)'(store) {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"a":1}'
    const record = aRecord({ values: text })
    await store.create(record, NOW)
    await assertHolds(store, record, NOW)
    const set = new Map([['b', '{"__proto__":{"polluted":true}}']])
    const after = await saved(store, record.id, aChange({ set }), NOW)
    const expected = `${text.slice(0, -1)},"b":{"__proto__":{"polluted":true}}}`
    assert.deepEqual(parsed(after.values), parsed(expected))
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  },

  async 'a record of 60 kB comes back whole'(store) {
    const items = Array.from({ length: 1000 }, (_, i) => ({ id: i, name: `coat ${i}`, tags: ['wool', 'é'] }))
    await assertKept(store, { items })
  },
}
