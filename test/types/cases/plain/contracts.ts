import type {
  EpochMs,
  Exchange,
  ListPage,
  SaveResult,
  SessionChange,
  SessionListing,
  SessionRecord,
  SetCookie,
  Store,
  Touch,
} from 'coatcheck'

/** What a stranger writes with the contract in hand. */
export class OwnStore implements Store {
  readonly #records = new Map<string, SessionRecord>()

  async create(record: SessionRecord, _now: EpochMs): Promise<boolean> {
    if (this.#records.has(record.id)) return false
    this.#records.set(record.id, record)
    return true
  }

  async get(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    const record = this.#records.get(id)
    return record !== undefined && record.expiresAt > now ? record : undefined
  }

  async save(id: string, change: SessionChange, now: EpochMs): Promise<SaveResult> {
    const record = await this.get(id, now)
    if (record === undefined) return { outcome: 'gone' }
    if (record.secretHash !== change.secretHash) return { outcome: 'superseded' }
    const removed: ReadonlySet<string> = change.delete ?? new Set<string>()
    const set: ReadonlyMap<string, string> = change.set ?? new Map<string, string>()
    const user: string | undefined = change.renewal?.signIn?.userId
    return removed.size + set.size > 9 || user === ''
      ? { outcome: 'too-large' }
      : { outcome: 'saved', record }
  }

  async touch(id: string, to: Touch, _now: EpochMs): Promise<boolean> {
    return this.#records.get(id)?.secretHash === to.secretHash
  }

  async delete(id: string, only?: { readonly userId: string }): Promise<boolean> {
    return (only === undefined || this.#records.get(id)?.userId === only.userId) && this.#records.delete(id)
  }

  async listByUser(userId: string, _now: EpochMs, page?: ListPage): Promise<readonly SessionListing[]> {
    const after: string | undefined = page?.after?.id
    const all = [...this.#records.values()].filter((record) => record.userId === userId)
    return all.filter((record) => after === undefined || record.id > after).slice(0, page?.limit)
  }

  async deleteByUser(
    _userId: string,
    _options?: { readonly except?: string | undefined },
  ): Promise<readonly string[]> {
    return []
  }

  async cleanup(_now: EpochMs, limit: number): Promise<number> {
    return limit - limit
  }
}

/** And an adapter. */
export class OwnExchange implements Exchange {
  readonly request = {}
  readonly address = undefined
  readonly status = 200
  readonly headSent = false
  readonly #cookies = new Map<string, SetCookie>()
  readonly #headers = new Map<string, string>()

  header(name: string): string | undefined {
    return name === 'cookie' ? 'a=b' : undefined
  }

  setCookie(cookie: SetCookie): void {
    const attributes: [
      string,
      string,
      string,
      string | undefined,
      boolean,
      boolean,
      boolean,
      number | undefined,
    ] = [
      cookie.name,
      cookie.value,
      cookie.path,
      cookie.domain,
      cookie.secure,
      cookie.httpOnly,
      cookie.partitioned,
      cookie.maxAge,
    ]
    const sameSite: 'strict' | 'lax' | 'none' = cookie.sameSite
    if (attributes.length > 0 && sameSite !== 'none') this.#cookies.set(cookie.name, cookie)
  }

  responseHeader(name: string): string | undefined {
    return this.#headers.get(name)
  }

  setHeader(name: string, value: string): void {
    this.#headers.set(name, value)
  }
}

// @ts-expect-error a store without touch is none
export const half: Store = { ...new OwnStore(), touch: undefined }

declare const listing: SessionListing
// @ts-expect-error a list opens nothing
listing.secretHash
// @ts-expect-error a record is not changed in place
listing.userId = 'bob'
