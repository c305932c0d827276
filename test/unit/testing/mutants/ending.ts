import { setImmediate as nextTurn } from 'node:timers/promises'
import { MemoryStore } from 'coatcheck/stores/memory'
import { aRecord } from 'coatcheck/testing'
import type { SessionListing, SessionRecord } from '../../../../src/store.ts'
import type { Mutants } from './mutant.ts'

type Only = { readonly userId: string }
type Except = { readonly except?: string | undefined }

/** Stores that list, delete or clean up wrongly. */
export const mutantsOfEnding: Mutants = {
  'delete ignores the user': class extends MemoryStore {
    override delete(id: string, _only?: Only) {
      return super.delete(id)
    }
  },
  'delete takes the empty user id for no condition': class extends MemoryStore {
    override delete(id: string, only?: Only) {
      return only?.userId === '' ? super.delete(id) : super.delete(id, only)
    }
  },
  'delete always answers true': class extends MemoryStore {
    override async delete(id: string, only?: Only) {
      await super.delete(id, only)
      return true
    }
  },
  'delete answers before it deletes': class extends MemoryStore {
    override async delete(id: string, only?: Only) {
      const isThere = (await super.get(id, 0)) !== undefined
      void nextTurn().then(() => super.delete(id, only))
      return isThere
    }
  },
  'delete leaves expired records': class extends MemoryStore {
    override async delete(id: string, only?: Only) {
      return (await super.get(id, aRecord().createdAt)) !== undefined && super.delete(id, only)
    }
  },
  'listByUser lists expired records': class extends MemoryStore {
    override listByUser(userId: string, _now: number) {
      return super.listByUser(userId, 0)
    }
  },
  'listByUser of the empty user id lists what nobody owns': class extends MemoryStore {
    readonly #nobodys: SessionRecord[] = []
    override create(record: SessionRecord, now: number) {
      if (record.userId === '') this.#nobodys.push(record)
      return super.create(record, now)
    }
    override async listByUser(userId: string, now: number) {
      return userId === '' ? this.#nobodys : super.listByUser(userId, now)
    }
  },
  'listByUser lists the last used last': class extends MemoryStore {
    override async listByUser(userId: string, now: number) {
      return (await super.listByUser(userId, now)).toReversed()
    }
  },
  'listByUser leaks the secret hash': class extends MemoryStore {
    override async listByUser(userId: string, now: number) {
      const list = await super.listByUser(userId, now)
      return Promise.all(
        list.map(async (one): Promise<SessionListing> => (await super.get(one.id, now)) ?? one),
      )
    }
  },
  'listByUser takes the user id for a pattern': class extends MemoryStore {
    readonly #users = new Set<string>()
    override create(record: SessionRecord, now: number) {
      this.#users.add(record.userId)
      return super.create(record, now)
    }
    override async listByUser(userId: string, now: number) {
      const users = [...this.#users].filter((user) => (userId === '*' ? user !== '' : user === userId))
      return (await Promise.all(users.map((user) => super.listByUser(user, now)))).flat()
    }
  },
  'deleteByUser of the empty user id deletes what nobody owns': class extends MemoryStore {
    readonly #ids: string[] = []
    override create(record: SessionRecord, now: number) {
      if (record.userId === '') this.#ids.push(record.id)
      return super.create(record, now)
    }
    override async deleteByUser(userId: string, options?: Except) {
      if (userId !== '') return super.deleteByUser(userId, options)
      for (const id of this.#ids) await super.delete(id)
      return this.#ids
    }
  },
  'deleteByUser ignores the exception': class extends MemoryStore {
    override deleteByUser(userId: string, _options?: Except) {
      return super.deleteByUser(userId)
    }
  },
  'deleteByUser keeps everything where it is given any exception': class extends MemoryStore {
    override async deleteByUser(userId: string, options?: Except) {
      return options?.except === '' ? [] : super.deleteByUser(userId, options)
    }
  },
  'deleteByUser deletes what it listed a moment ago under its secret of then': class extends MemoryStore {
    override async deleteByUser(userId: string, options?: Except) {
      const list = await super.listByUser(userId, 0)
      const before = await Promise.all(list.map(({ id }) => super.get(id, 0)))
      await nextTurn()
      const ids: string[] = []
      for (const record of before) {
        if (record === undefined || record.id === options?.except) continue
        if ((await super.get(record.id, 0))?.version !== record.version) continue
        if (await super.delete(record.id)) ids.push(record.id)
      }
      return ids
    }
  },
  'deleteByUser reports the exception too': class extends MemoryStore {
    override async deleteByUser(userId: string, options?: Except) {
      const ids = await super.deleteByUser(userId, options)
      return options?.except ? [...ids, options.except] : ids
    }
  },
  'cleanup ignores the limit': class extends MemoryStore {
    override cleanup(now: number, _limit: number) {
      return super.cleanup(now, Number.POSITIVE_INFINITY)
    }
  },
  'cleanup deletes one millisecond too early': class extends MemoryStore {
    override cleanup(now: number, limit: number) {
      return super.cleanup(now + 1, limit)
    }
  },
  'cleanup deletes one millisecond too late': class extends MemoryStore {
    override cleanup(now: number, limit: number) {
      return super.cleanup(now - 1, limit)
    }
  },
  'cleanup counts and deletes nothing': class extends MemoryStore {
    override async cleanup(_now: number, _limit: number) {
      return 0
    }
  },
  'cleanup decides first and deletes a moment later': class extends MemoryStore {
    override async cleanup(now: number, limit: number) {
      const due = await Promise.all(this.#ids.map(async (id) => ((await super.get(id, now)) ? [] : [id])))
      await nextTurn()
      let deleted = 0
      for (const id of due.flat().slice(0, limit)) deleted += (await super.delete(id)) ? 1 : 0
      return deleted
    }
    readonly #ids: string[] = []
    override create(record: SessionRecord, now: number) {
      this.#ids.push(record.id)
      return super.create(record, now)
    }
  },
}
