import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RedisKeys } from '../../src/internal/redis-keys.ts'

// Few characters, so that texts meet: those that mean something in a key, and those that its kinds begin with.
const aText = fc.string({ unit: fc.constantFrom('a', 'u', 'd', '{', '}', '%', '%7B', '%75'), maxLength: 3 })

/** What a key is for. */
interface Use {
  readonly prefix: string
  readonly kind: 'record' | 'user' | 'due'
  readonly of: string
}

const aUse: fc.Arbitrary<Use> = fc.record({
  prefix: aText,
  kind: fc.constantFrom('record', 'user', 'due'),
  of: fc.oneof(aText, fc.constantFrom('0', '1', '63')),
})

function keyOf({ prefix, kind, of }: Use): string {
  const keys = new RedisKeys(prefix)
  switch (kind) {
    case 'record':
      return keys.record(of)
    case 'user':
      return keys.user(of)
    case 'due':
      return keys.allDue()[Number(of) & 63] ?? ''
  }
}

describe('RedisKeys', () => {
  it('gives no key to two uses, whatever prefixes, ids and users there are', () => {
    fc.assert(
      fc.property(fc.array(aUse, { minLength: 2, maxLength: 40 }), (uses) => {
        const named = uses.map((use) => ({
          ...use,
          of: use.kind === 'due' ? String(Number(use.of) & 63) : use.of,
        }))
        const byKey = new Map(named.map((use) => [keyOf(use), use]))
        for (const use of named) expect(byKey.get(keyOf(use))).toEqual(use)
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['u', 'd'])('keeps the records of one prefix apart from an index of another: %s', (letter) => {
    const id = '3'
    const others = [new RedisKeys('a').user(id), ...new RedisKeys('a').allDue()]
    expect(others).not.toContain(new RedisKeys(`a${letter}`).record(id))
  })
})
