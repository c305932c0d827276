import { setImmediate as nextTurn } from 'node:timers/promises'
import { MemoryStore } from 'coatcheck/stores/memory'
import type { SessionChange } from '../../../../src/store.ts'
import type { Mutants } from './mutant.ts'

/** Stores that merge wrongly. */
export const mutantsOfSaving: Mutants = {
  'save writes back what it read a moment ago': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const before = await super.get(id, now)
      await nextTurn()
      const members = Object.entries(JSON.parse(before?.values ?? '{}'))
      const set = new Map(members.map(([key, value]) => [key, JSON.stringify(value)]))
      for (const key of change.delete ?? []) set.delete(key)
      const merged = new Map([...(change.clear ? [] : set), ...(change.set ?? [])])
      return super.save(id, { ...change, clear: true, delete: undefined, set: merged }, now)
    }
  },
  'save overwrites the whole of the values': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      return super.save(id, { ...change, clear: true }, now)
    }
  },
  'save sets first and clears afterwards': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      return super.save(id, change.clear ? { ...change, set: undefined } : change, now)
    }
  },
  'save sets first and deletes afterwards': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      const set = new Map([...(change.set ?? [])].filter(([key]) => !change.delete?.has(key)))
      return super.save(id, { ...change, set }, now)
    }
  },
  'save never clears': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      return super.save(id, { ...change, clear: false }, now)
    }
  },
  'save never deletes a key': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      return super.save(id, { ...change, delete: undefined }, now)
    }
  },
  'save turns empty lists into empty objects': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      const set = new Map([...(change.set ?? [])].map(([key, text]) => [key, text.replaceAll('[]', '{}')]))
      return super.save(id, { ...change, set }, now)
    }
  },
  'save keeps 15 digits of a number': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      const short = (text: string) =>
        text.replace(/\d+\.\d{15,}/g, (digits) => `${Number(digits).toFixed(14)}`)
      const set = new Map([...(change.set ?? [])].map(([key, text]) => [key, short(text)]))
      return super.save(id, { ...change, set }, now)
    }
  },
  'save takes a dot in a key for a path': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      const set = new Map([...(change.set ?? [])].map(([key, text]) => [key.replaceAll('.', '/'), text]))
      return super.save(id, { ...change, set }, now)
    }
  },
  'save assigns keys to a plain object': class extends MemoryStore {
    override async get(id: string, now: number) {
      const record = await super.get(id, now)
      if (record === undefined) return undefined
      const copy: Record<string, unknown> = {}
      for (const [key, value] of Object.entries(JSON.parse(record.values))) copy[key] = value
      return { ...record, values: JSON.stringify(copy) }
    }
  },
  'save lowers the end': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const record = await super.get(id, now)
      const result = await super.save(id, change, now)
      if (result.outcome !== 'saved' || record === undefined || change.renewal) return result
      const { lastSeenAt, expiresAt } = change
      await super.delete(id)
      await super.create({ ...result.record, lastSeenAt, expiresAt }, now)
      return { ...result, record: { ...result.record, lastSeenAt, expiresAt } }
    }
  },
  'save does not move the end': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      const times = change.renewal ? {} : { lastSeenAt: 0, expiresAt: 0 }
      return super.save(id, { ...change, ...times }, now)
    }
  },
  'save does not count the version': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const before = await super.get(id, now)
      const result = await super.save(id, change, now)
      if (result.outcome !== 'saved' || before === undefined) return result
      const record = { ...result.record, version: before.version }
      await super.delete(id)
      await super.create(record, now)
      return { ...result, record }
    }
  },
  'save answers with the record from before': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const before = await super.get(id, now)
      const result = await super.save(id, change, now)
      return result.outcome === 'saved' && before !== undefined ? { ...result, record: before } : result
    }
  },
}
