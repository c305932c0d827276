import { MemoryStore } from 'coatcheck/stores/memory'
import { aChange, aRecord, aSecretHash, type ChangeOverrides, NOW } from 'coatcheck/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldMerges, type Merge } from '../../../src/internal/postgres-merge.ts'
import { toArrayText } from '../../../src/internal/postgres-record.ts'

const aMerge = (change: ChangeOverrides, now = NOW): Merge => ({
  ...{ id: 'id', change: aChange(change), now, deadline: 0, saves: 1 },
})

describe('foldMerges', () => {
  it.each<[string, ChangeOverrides, ChangeOverrides]>([
    ['one of which clears', { set: { a: '1' } }, { clear: true }],
    ['of another secret', {}, { secretHash: aSecretHash(2) }],
    ['of the same key', { set: { a: '1' } }, { set: { a: '2' } }],
    ['one of which deletes what the other sets', { set: { a: '1' } }, { delete: ['a'] }],
  ])('leaves changes apart %s', (_name, a, b) => {
    expect(foldMerges(aMerge(a), aMerge(b))).toBeUndefined()
    expect(foldMerges(aMerge(b), aMerge(a))).toBeUndefined()
  })

  it('judges the whole by the latest instant and the lowest limit, and counts the saves', () => {
    const ends = { lastSeenAt: NOW + 5, expiresAt: NOW + 7 }
    const folded = foldMerges(
      aMerge({ ...ends, maxValuesBytes: 10 }, NOW + 1),
      aMerge({ maxValuesBytes: 20 }, NOW),
    )
    expect(folded).toMatchObject({
      now: NOW + 1,
      saves: 2,
      change: { maxValuesBytes: 10, lastSeenAt: NOW + 5 },
    })
  })

  it('changes the values as the two do one after the other, in either order, and fits only if one order does', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const value = fc.constantFrom('1', '"longer text"', 'null')
    const changeOf = (...keys: string[]) =>
      fc.record({
        set: fc.dictionary(fc.constantFrom(...keys), value),
        delete: fc.array(fc.constantFrom(...keys)),
      })
    const limit = fc.integer({ min: 25, max: 80 })
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(key, value),
        changeOf('a', 'b'),
        changeOf('c', 'd'),
        limit,
        async (values, a, b, maxValuesBytes) => {
          const merges = [a, b].map((it) =>
            aMerge({ set: new Map(Object.entries(it.set)), delete: it.delete, maxValuesBytes }),
          )
          const [first, second] = merges
          const folded = first && second && foldMerges(first, second)
          fc.pre(folded !== undefined)
          const text = `{${Object.entries(values).map(([name, it]) => `${JSON.stringify(name)}:${it}`)}}`
          fc.pre(text.length <= maxValuesBytes)
          const save = async (...changes: readonly (Merge | undefined)[]) => {
            const store = new MemoryStore()
            const record = aRecord({ values: text })
            await store.create(record, NOW)
            const outcomes: string[] = []
            for (const it of changes)
              outcomes.push((await store.save(record.id, it?.change ?? aChange(), NOW)).outcome)
            return {
              saved: outcomes.every((it) => it === 'saved'),
              values: (await store.get(record.id, NOW))?.values,
            }
          }
          const whole = await save(folded)
          fc.pre(whole.saved)
          const orders = [await save(first, second), await save(second, first)].filter(({ saved }) => saved)
          expect(orders.length).toBeGreaterThan(0)
          for (const order of orders)
            expect(JSON.parse(order.values ?? '')).toEqual(JSON.parse(whole.values ?? ''))
        },
      ),
      { numRuns: 300, maxSkipsPerRun: 200 },
    )
  })
})

describe('toArrayText', () => {
  it('writes an array as PostgreSQL reads it', () => {
    expect(toArrayText([])).toBe('{}')
    expect(toArrayText(['', 'a', 'null', 'a"b', 'a\\b', '{a,b}'])).toBe(
      '{"","a","null","a\\"b","a\\\\b","{a,b}"}',
    )
  })
})
