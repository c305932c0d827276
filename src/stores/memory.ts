import { ConfigError } from '../errors.ts'
import { toCanonicalText } from '../internal/json.ts'
import { pageOf } from '../internal/list-order.ts'
import { readJson } from '../internal/read-json.ts'
import { refuseUnknown } from '../internal/refuse-unknown.ts'
import type {
  EpochMs,
  JsonText,
  ListPage,
  SaveResult,
  SessionChange,
  SessionListing,
  SessionRecord,
  Store,
  Touch,
} from '../store.ts'

/** How a {@link MemoryStore} is bounded. */
export interface MemoryStoreOptions {
  /**
   * Records held at most, a whole number of at least 1; one more pushes out the one that was not used for longest.
   * (default: 10_000, some 25 MB where each holds 500 bytes of values)
   */
  readonly maxRecords?: number | undefined
}

const DEFAULT_MAX_RECORDS = 10_000

/**
 * Keeps sessions in the process: for tests, for tools that are one process, and as the store to read first
 * when writing another.
 *
 * Not for a service: a restart signs everybody out, a second process sees none of the sessions, and at
 * `maxRecords` the session that was not used for longest ends early.
 *
 * Each method runs from its first line to its last without an `await`, so nothing can come between the
 * check and the write that depends on it. Other stores need a statement or a script for that.
 */
export class MemoryStore implements Store {
  readonly #maxRecords: number
  /** By id, the one not used for longest first. Records are frozen: a change replaces the whole. */
  readonly #records = new Map<string, SessionRecord>()
  readonly #idsByUser = new Map<string, Set<string>>()

  /** @throws {@link ConfigError} an option is unknown or out of bounds. */
  constructor(options: MemoryStoreOptions = {}) {
    const { maxRecords = DEFAULT_MAX_RECORDS, ...unknown } = options
    refuseUnknown('MemoryStore', unknown)
    if (!Number.isSafeInteger(maxRecords) || maxRecords < 1) {
      throw new ConfigError(`maxRecords must be a whole number of at least 1, not ${String(maxRecords)}`)
    }
    this.#maxRecords = maxRecords
  }

  async create(record: SessionRecord, _now: EpochMs): Promise<boolean> {
    if (this.#records.has(record.id)) return false
    this.#put(record)
    return true
  }

  async get(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    return this.#use(id, now)
  }

  async save(id: string, change: SessionChange, now: EpochMs): Promise<SaveResult> {
    const record = this.#use(id, now)
    if (record === undefined) return { outcome: 'gone' }
    if (record.secretHash !== change.secretHash) return { outcome: 'superseded' }

    const members = toMembers(record.values)
    if (!meetsExpectation(members, change)) return { outcome: 'unexpected' }

    const values = toChangedValues(members, change)
    if (new TextEncoder().encode(values).length > change.maxValuesBytes) return { outcome: 'too-large' }

    return { outcome: 'saved', record: this.#put(toChangedRecord(record, change, values)) }
  }

  async touch(id: string, to: Touch, now: EpochMs): Promise<boolean> {
    const record = this.#use(id, now)
    if (record === undefined || record.secretHash !== to.secretHash) return false
    this.#put({ ...record, ...toLaterTimes(record, to) })
    return true
  }

  async delete(id: string, only?: { readonly userId: string }): Promise<boolean> {
    if (only === undefined) return this.#remove(id)
    if (only.userId === '' || this.#records.get(id)?.userId !== only.userId) return false
    return this.#remove(id)
  }

  async listByUser(userId: string, now: EpochMs, page?: ListPage): Promise<readonly SessionListing[]> {
    const records = this.#idsOf(userId).map((id) => this.#records.get(id))
    const live = records.filter((record) => record !== undefined).filter((record) => isLive(record, now))
    return pageOf(live, page).map(({ secretHash, values, ...listing }) => listing)
  }

  async deleteByUser(
    userId: string,
    options?: { readonly except?: string | undefined },
  ): Promise<readonly string[]> {
    return this.#idsOf(userId).filter((id) => id !== options?.except && this.#remove(id))
  }

  async cleanup(now: EpochMs, limit: number): Promise<number> {
    let deleted = 0
    for (const record of this.#records.values()) {
      if (deleted >= limit) break
      if (isLive(record, now)) continue
      this.#remove(record.id)
      deleted += 1
    }
    return deleted
  }

  /** Finds the live record and makes it the last used one. */
  #use(id: string, now: EpochMs): SessionRecord | undefined {
    const record = this.#records.get(id)
    if (record === undefined || !isLive(record, now)) return undefined
    this.#records.delete(id)
    this.#records.set(id, record)
    return record
  }

  /** Writes a record in place of the one of the same id, as the last used one, and keeps the bound. */
  #put(record: SessionRecord): SessionRecord {
    const held = Object.freeze({ ...record })
    this.#remove(held.id)
    this.#records.set(held.id, held)
    if (held.userId !== '') {
      const ids = this.#idsByUser.get(held.userId) ?? new Set()
      this.#idsByUser.set(held.userId, ids.add(held.id))
    }
    if (this.#records.size > this.#maxRecords) {
      const [leastUsed = held.id] = this.#records.keys()
      this.#remove(leastUsed)
    }
    return held
  }

  #remove(id: string): boolean {
    const userId = this.#records.get(id)?.userId
    if (userId === undefined) return false
    const ids = this.#idsByUser.get(userId)
    ids?.delete(id)
    if (ids?.size === 0) this.#idsByUser.delete(userId)
    return this.#records.delete(id)
  }

  /** A copy, because the callers remove while they walk it. The empty user id is never indexed. */
  #idsOf(userId: string): string[] {
    return [...(this.#idsByUser.get(userId) ?? [])]
  }
}

function isLive(record: SessionRecord, now: EpochMs): boolean {
  return now < record.expiresAt
}

/** A Map, because a key `__proto__` on a plain object would set its prototype. */
function toMembers(values: JsonText): Map<string, unknown> {
  return new Map(Object.entries(readJson(values) as object)) // one JSON object, by the contract of `values`
}

function meetsExpectation(members: ReadonlyMap<string, unknown>, { expect }: SessionChange): boolean {
  if (expect === undefined) return true
  if (expect.value === undefined) return !members.has(expect.key)
  return (
    members.has(expect.key) &&
    toCanonicalText(members.get(expect.key)) === toCanonicalText(readJson(expect.value))
  )
}

/** Clear, delete, set: in this order, so that a key that is both deleted and set ends set. */
function toChangedValues(members: ReadonlyMap<string, unknown>, change: SessionChange): JsonText {
  const after = new Map(change.clear ? [] : members)
  for (const key of change.delete ?? []) after.delete(key)
  for (const [key, value] of change.set ?? []) after.set(key, readJson(value))
  // Object.fromEntries defines own properties, `__proto__` too: ECMA-262 CreateDataProperty.
  return JSON.stringify(Object.fromEntries(after))
}

function toChangedRecord(record: SessionRecord, change: SessionChange, values: JsonText): SessionRecord {
  const saved = { ...record, values, version: record.version + 1 }
  const { renewal } = change
  if (renewal === undefined) return { ...saved, ...toLaterTimes(record, change) }
  return {
    ...saved,
    ...renewal.signIn,
    secretHash: renewal.secretHash,
    renewedAt: renewal.renewedAt,
    lastSeenAt: change.lastSeenAt,
    expiresAt: change.expiresAt,
  }
}

/** Forward only: of two requests, the one that began later may be written first. */
function toLaterTimes(
  record: SessionRecord,
  to: Pick<Touch, 'lastSeenAt' | 'expiresAt'>,
): Pick<Touch, 'lastSeenAt' | 'expiresAt'> {
  return {
    lastSeenAt: Math.max(record.lastSeenAt, to.lastSeenAt),
    expiresAt: Math.max(record.expiresAt, to.expiresAt),
  }
}
