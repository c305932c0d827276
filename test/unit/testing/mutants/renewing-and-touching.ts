import { setImmediate as nextTurn } from 'node:timers/promises'
import { MemoryStore } from 'coatcheck/stores/memory'
import { aRecord } from 'coatcheck/testing'
import type { SessionChange, SessionRecord, Touch } from '../../../../src/store.ts'
import type { Mutants } from './mutant.ts'

/** Stores that renew or touch wrongly. */
export const mutantsOfRenewingAndTouching: Mutants = {
  'a renewal leaves the old secret alive for a while': class extends MemoryStore {
    readonly #old = new Map<string, string>()
    override async save(id: string, change: SessionChange, now: number) {
      const result = await super.save(id, change, now)
      if (result.outcome === 'saved' && change.renewal) this.#old.set(id, change.secretHash)
      return result
    }
    override async touch(id: string, to: Touch, now: number) {
      const record = await super.get(id, now)
      return super.touch(
        id,
        this.#old.get(id) === to.secretHash && record ? { ...to, secretHash: record.secretHash } : to,
        now,
      )
    }
  },
  'a renewal deletes and creates': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const result = await super.save(id, change, now)
      if (result.outcome !== 'saved' || !change.renewal) return result
      await super.delete(id)
      await nextTurn()
      await super.create(result.record, now)
      return result
    }
  },
  'a renewal begins the values anew': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      return super.save(id, change.renewal ? { ...change, clear: true } : change, now)
    }
  },
  'a renewal moves the absolute end': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const result = await super.save(id, change, now)
      if (result.outcome !== 'saved' || !change.renewal) return result
      const record = { ...result.record, absoluteEnd: now + 86_400_000 }
      await super.delete(id)
      await super.create(record, now)
      return { ...result, record }
    }
  },
  'a renewal never lowers the end': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const before = await super.get(id, now)
      const expiresAt = Math.max(change.expiresAt, before?.expiresAt ?? 0)
      return super.save(id, { ...change, expiresAt }, now)
    }
  },
  'a sign-in keeps the address from before': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const address = (await super.get(id, now))?.address
      const { renewal } = change
      if (!renewal?.signIn) return super.save(id, change, now)
      const signIn = { ...renewal.signIn, address: renewal.signIn.address ?? address }
      return super.save(id, { ...change, renewal: { ...renewal, signIn } }, now)
    }
  },
  'a sign-in does not enter the user’s list': class extends MemoryStore {
    readonly #created = new Map<string, string>()
    override create(record: SessionRecord, now: number) {
      this.#created.set(record.id, record.userId)
      return super.create(record, now)
    }
    override async listByUser(userId: string, now: number) {
      const list = await super.listByUser(userId, now)
      return list.filter(({ id }) => this.#created.get(id) === userId)
    }
  },
  'touch creates the record where there is none': class extends MemoryStore {
    override async touch(id: string, to: Touch, now: number) {
      await super.create(aRecord({ id, ...to }), now)
      return super.touch(id, to, now)
    }
  },
  'touch brings an expired record back': class extends MemoryStore {
    override touch(id: string, to: Touch, _now: number) {
      return super.touch(id, to, 0)
    }
  },
  'touch ignores the secret': class extends MemoryStore {
    override async touch(id: string, to: Touch, now: number) {
      return super.touch(id, { ...to, secretHash: (await super.get(id, now))?.secretHash ?? '' }, now)
    }
  },
  'touch answers true for another secret': class extends MemoryStore {
    override async touch(id: string, to: Touch, now: number) {
      return (await super.touch(id, to, now)) || (await super.get(id, now)) !== undefined
    }
  },
  'touch answers false where nothing moves': class extends MemoryStore {
    override async touch(id: string, to: Touch, now: number) {
      const before = (await super.get(id, now))?.expiresAt
      return (await super.touch(id, to, now)) && (await super.get(id, now))?.expiresAt !== before
    }
  },
  'touch lowers': class extends MemoryStore {
    override async touch(id: string, to: Touch, now: number) {
      const record = await super.get(id, now)
      if (record === undefined || record.secretHash !== to.secretHash) return false
      await super.delete(id)
      return super.create({ ...record, ...to }, now)
    }
  },
  'touch moves both times or none': class extends MemoryStore {
    override async touch(id: string, to: Touch, now: number) {
      const record = await super.get(id, now)
      const isLater = (record?.expiresAt ?? 0) <= to.expiresAt && (record?.lastSeenAt ?? 0) <= to.lastSeenAt
      return super.touch(id, isLater ? to : { ...to, lastSeenAt: 0, expiresAt: 0 }, now)
    }
  },
  'touch counts the version': class extends MemoryStore {
    override async touch(id: string, to: Touch, now: number) {
      const isLive = await super.touch(id, to, now)
      const record = await super.get(id, now)
      if (!isLive || record === undefined) return isLive
      await super.delete(id)
      return super.create({ ...record, version: record.version + 1 }, now)
    }
  },
  'touch acknowledges before it writes': class extends MemoryStore {
    override async touch(id: string, to: Touch, now: number) {
      const isLive = (await super.get(id, now))?.secretHash === to.secretHash
      if (isLive) void nextTurn().then(() => super.touch(id, to, now))
      return isLive
    }
  },
}
