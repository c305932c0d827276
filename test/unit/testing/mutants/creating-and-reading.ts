import { setImmediate as nextTurn } from 'node:timers/promises'
import { MemoryStore } from 'coatcheck/stores/memory'
import type { SessionRecord } from '../../../../src/store.ts'
import type { Mutants } from './mutant.ts'

/** Stores that create or read wrongly. */
export const mutantsOfCreatingAndReading: Mutants = {
  'create overwrites a record': class extends MemoryStore {
    override async create(record: SessionRecord, now: number) {
      await super.delete(record.id)
      return super.create(record, now)
    }
  },
  'create takes over the id of an expired record': class extends MemoryStore {
    override async create(record: SessionRecord, now: number) {
      if ((await super.get(record.id, now)) === undefined) await super.delete(record.id)
      return super.create(record, now)
    }
  },
  'create checks first and writes a moment later': class extends MemoryStore {
    override async create(record: SessionRecord, now: number) {
      if ((await super.get(record.id, now)) !== undefined) return false
      await nextTurn()
      await super.delete(record.id)
      return super.create(record, now)
    }
  },
  'create forgets the address': class extends MemoryStore {
    override create(record: SessionRecord, now: number) {
      return super.create({ ...record, address: undefined }, now)
    }
  },
  'create rounds instants to seconds': class extends MemoryStore {
    override create(record: SessionRecord, now: number) {
      return super.create({ ...record, createdAt: Math.floor(record.createdAt / 1000) * 1000 }, now)
    }
  },
  'create rounds the idle timeout': class extends MemoryStore {
    override create(record: SessionRecord, now: number) {
      return super.create({ ...record, idleTimeout: Math.round(record.idleTimeout) }, now)
    }
  },
  'create trims and lowers user ids': class extends MemoryStore {
    override create(record: SessionRecord, now: number) {
      return super.create({ ...record, userId: record.userId.trim().toLowerCase() }, now)
    }
  },
  'create normalizes user ids': class extends MemoryStore {
    override create(record: SessionRecord, now: number) {
      return super.create({ ...record, userId: record.userId.normalize() }, now)
    }
  },
  'create cuts user ids to 254 bytes': class extends MemoryStore {
    override create(record: SessionRecord, now: number) {
      return super.create({ ...record, userId: record.userId.slice(0, 254) }, now)
    }
  },
  'create keeps the object of the caller': class extends MemoryStore {
    readonly #given = new Map<string, SessionRecord>()
    override create(record: SessionRecord, now: number) {
      this.#given.set(record.id, record)
      return super.create(record, now)
    }
    override async get(id: string, now: number) {
      const held = await super.get(id, now)
      const given = this.#given.get(id)
      return held?.version === given?.version && held?.lastSeenAt === given?.lastSeenAt ? given : held
    }
  },
  'get lives one millisecond too long': class extends MemoryStore {
    override get(id: string, now: number) {
      return super.get(id, now - 1)
    }
  },
  'get ends one millisecond too early': class extends MemoryStore {
    override get(id: string, now: number) {
      return super.get(id, now + 1)
    }
  },
  'get answers null for a field that is absent': class extends MemoryStore {
    override async get(id: string, now: number) {
      const record = await super.get(id, now)
      return record === undefined
        ? record
        : { ...record, userAgent: (record.userAgent ?? null) as unknown as undefined } // the fault
    }
  },
  'get judges all reads of a turn by the last instant': class extends MemoryStore {
    #now = 0
    override async get(id: string, now: number) {
      this.#now = now
      await Promise.resolve()
      return super.get(id, this.#now)
    }
  },
  'get takes ids for prefixes': class extends MemoryStore {
    readonly #ids = new Map<string, string>()
    override create(record: SessionRecord, now: number) {
      const id = this.#ids.get(record.id.slice(0, 35)) ?? record.id
      this.#ids.set(record.id.slice(0, 35), id)
      return super.create({ ...record, id }, now)
    }
  },
  'close fails': class extends MemoryStore {
    async close() {
      throw new Error('closed')
    }
  },
  'serverTime gives seconds': class extends MemoryStore {
    async serverTime() {
      return 1_767_225_600
    }
  },
}
