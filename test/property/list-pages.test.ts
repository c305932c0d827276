import type { SessionInfo } from 'coatcheck'
import { generateKey, SessionManager } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { aRecord, aSecretHash, NOW } from 'coatcheck/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** A session of the user: when it was last used and for how long it lives, around now. Small numbers, so that many fall together. */
const anEntry = fc.record({ seen: fc.integer({ min: -3, max: 0 }), end: fc.integer({ min: -1, max: 3 }) })

const laterUse = { lastSeenAt: NOW + 1, expiresAt: NOW + 3 }

async function aManager(entries: readonly { seen: number; end: number }[]) {
  const store = new MemoryStore()
  for (const { seen, end } of entries) {
    await store.create(aRecord({ userId: 'ada', lastSeenAt: NOW + seen, expiresAt: NOW + end }), NOW)
  }
  return { store, manager: new SessionManager({ store, authKey: generateKey(), clock: () => NOW }) }
}

describe('SessionManager.listSessions', () => {
  it('gives in pages of any size what the whole list holds, once each and in its order', async () => {
    const property = fc.asyncProperty(
      fc.array(anEntry, { maxLength: 12 }),
      fc.integer({ min: 1, max: 13 }),
      async (entries, limit) => {
        const { store, manager } = await aManager(entries)
        const all = (await store.listByUser('ada', NOW)).map(({ id }) => id)
        expect(all).toHaveLength(entries.filter(({ end }) => end > 0).length)
        const paged: string[] = []
        let page: SessionInfo[]
        let after: SessionInfo | undefined
        do {
          page = await manager.listSessions('ada', { limit, after })
          expect(page.length).toBe(Math.min(limit, all.length - paged.length))
          paged.push(...page.map(({ id }) => id))
          after = page.at(-1)
        } while (page.length === limit)
        expect(paged).toEqual(all)
      },
    )
    await fc.assert(property, { numRuns: 300 })
  })

  it('skips and repeats nothing that was not used, whatever is used or ends between two pages', async () => {
    const aStep = fc.record({ index: fc.nat({ max: 11 }), ends: fc.boolean() })
    const property = fc.asyncProperty(
      fc.array(anEntry, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(aStep, { maxLength: 12 }),
      async (entries, limit, steps) => {
        const { store, manager } = await aManager(entries)
        const all = await store.listByUser('ada', NOW)
        const changed = new Set<string>()
        const seen: string[] = []
        let page: SessionInfo[]
        let after: SessionInfo | undefined
        do {
          page = await manager.listSessions('ada', { limit, after })
          seen.push(...page.map(({ id }) => id))
          after = page.at(-1)
          const { index, ends } = steps.shift() ?? { index: 99, ends: false }
          const chosen = all[index]
          if (chosen === undefined) continue
          changed.add(chosen.id)
          if (ends) await store.delete(chosen.id)
          else await store.touch(chosen.id, { ...laterUse, secretHash: aSecretHash(1) }, NOW)
        } while (page.length > 0)
        const unchanged = (ids: readonly string[]) => ids.filter((id) => !changed.has(id))
        expect(unchanged(seen)).toEqual(unchanged(all.map(({ id }) => id)))
        expect(new Set(seen).size).toBe(seen.length)
      },
    )
    await fc.assert(property, { numRuns: 300 })
  })
})
