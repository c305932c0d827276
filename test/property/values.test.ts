import { isDeepStrictEqual } from 'node:util'
import { type Session, ValueError } from 'coatcheck'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toJsonText } from '../../src/internal/json.ts'
import { World } from '../unit/manager/world.ts'

/** Whether a value of JSON is one that design 13 lets in. */
function isTaken(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0')
  if (typeof value === 'number') return !Object.is(value, -0)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, part]) => key !== '__proto__' && isTaken(key) && isTaken(part))
}

const jsonValue = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' })
const aKey = fc.oneof(
  fc.constantFrom('a', 'b', 'constructor', 'toString', ''),
  fc.string({ unit: 'binary', maxLength: 8 }).filter((key) => isTaken(key) && key !== '__proto__'),
)

describe('the values of a session', () => {
  it('come back as they went in, or do not go in (rule 13)', async () => {
    const world = new World()
    await fc.assert(
      fc.asyncProperty(aKey, jsonValue, async (key, value) => {
        const browser = world.browser()
        const visit = await browser.visit()
        if (!isTaken(value)) {
          expect(() => visit.session.set(key, value)).toThrow(ValueError)
          return
        }
        visit.session.set(key, value)
        expect(visit.session.get(key)).toEqual(value)
        browser.receive(await visit.answer())
        const { session } = await browser.visit()
        expect(isDeepStrictEqual(session.get(key), JSON.parse(JSON.stringify(value)))).toBe(true)
        expect(session.get(key)).toEqual(value)
        expect(world.manager.needsRefresh(session)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('are never anything that JSON turns into something else', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withBoxedValues: true,
      withNullPrototype: true,
      withObjectString: true,
      stringUnit: 'binary',
    })
    fc.assert(
      fc.property(anything, (value) => {
        const text = textOrRefusal(value)
        if (text === undefined) return
        expect(JSON.parse(text)).toEqual(value)
        expect(text).toBe(JSON.stringify(value))
      }),
      { numRuns: 2000 },
    )
  })

  it('are the caller’s own after set() and take(), and tracked after get()', async () => {
    const world = new World()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer(), { minLength: 1 }), async (list) => {
        const browser = world.browser()
        const mine = [...list]
        await browser.ask((session) => {
          session.set('list', mine)
          mine.push(1)
        })
        await browser.ask((session) => {
          expect(session.get('list')).toEqual(list)
          ;(session.get('list') as number[]).push(2)
        })
        await browser.ask((session) => {
          expect(session.take('list')).toEqual([...list, 2])
        })
        const { session } = await browser.visit()
        expect(session.has('list')).toBe(false)
      }),
      { numRuns: 50 },
    )
  })

  it('are what a map would hold, whatever is called in whatever order', async () => {
    const world = new World()
    const call = fc.oneof(
      fc.record({
        kind: fc.constant('set' as const),
        key: aKey,
        value: fc.array(fc.integer(), { maxLength: 2 }),
      }),
      fc.record({ kind: fc.constantFrom('delete', 'take', 'clear', 'push', 'update', 'commit'), key: aKey }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 25 }), async (calls) => {
        const browser = await world.browserWith('ada')
        const model = new Map<string, number[]>()
        let visit = await browser.visit()
        for (const step of calls) {
          if (step.kind === 'commit') {
            expect((await visit.answer()).error).toBeUndefined()
            visit = await browser.visit()
          } else await apply(visit.session, model, step)
          expect(visit.session.values()).toEqual(Object.fromEntries(model))
          for (const key of model.keys()) expect(visit.session.has(key)).toBe(true)
        }
      }),
      { numRuns: 150 },
    )
  })
})

interface Call {
  readonly kind: string
  readonly key: string
  readonly value?: number[]
}

async function apply(
  session: Session,
  model: Map<string, number[]>,
  { kind, key, value }: Call,
): Promise<void> {
  switch (kind) {
    case 'set':
      session.set(key, value)
      model.set(key, [...(value ?? [])])
      break
    case 'delete':
      session.delete(key)
      model.delete(key)
      break
    case 'take':
      expect(session.take(key)).toEqual(model.get(key))
      model.delete(key)
      break
    case 'clear':
      session.clear()
      model.clear()
      break
    case 'push':
      ;(session.get(key) as number[] | undefined)?.push(7)
      model.get(key)?.push(7)
      break
    case 'update':
      await session.update(key, (old) => [...((old as number[] | undefined) ?? []), 9])
      model.set(key, [...(model.get(key) ?? []), 9])
      break
  }
}

function textOrRefusal(value: unknown): string | undefined {
  try {
    return toJsonText(value, 'x')
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError)
    return undefined
  }
}
