/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number

/** A JSON document as text. It is parsed only by whoever needs what is in it. */
export type JsonText = string

/** A session at rest. */
export interface SessionRecord {
  /** UUID v4 in canonical lower-case form. Names the session for its whole life; never a credential. */
  readonly id: string
  /** SHA-256 of the secret, 64 lower-case hex digits. Empty: no token opens this record. */
  readonly secretHash: string
  /** Who is signed in; empty for nobody. */
  readonly userId: string
  /** One JSON object: what the application put in, by key. */
  readonly values: JsonText
  /** 1 at creation, 1 more at each save, unchanged by a touch. */
  readonly version: number
  /** When the session began. */
  readonly createdAt: EpochMs
  /** When the user signed in; `undefined` for nobody. */
  readonly signedInAt: EpochMs | undefined
  /** When the secret was last replaced; at first, when the record was created. */
  readonly renewedAt: EpochMs
  /** The last use, exact to the touch interval. */
  readonly lastSeenAt: EpochMs
  /** Seconds without use after which the session ends. */
  readonly idleTimeout: number
  /** Ends the session, however busy it is. Moved by a sign-in only. */
  readonly absoluteEnd: EpochMs
  /** The earlier of the idle and the absolute end. The record is live at every instant before it. */
  readonly expiresAt: EpochMs
  /** Whether the cookie outlives the browser. */
  readonly persistent: boolean
  /** The client's address at sign-in. */
  readonly address: string | undefined
  /** The client's User-Agent header at sign-in. */
  readonly userAgent: string | undefined
}

/** One entry in the list of a user's sessions: a record without its values and its secret hash. */
export type SessionListing = Omit<SessionRecord, 'secretHash' | 'values'>

/** A part of the list of a user's sessions. */
export interface ListPage {
  /** Entries at most; a whole number of at least 1. */
  readonly limit: number
  /**
   * Continue behind the place of this entry, whether or not it is still there: with what comes strictly later in
   * the list's order. (default: from the front)
   */
  readonly after?: Pick<SessionListing, 'id' | 'lastSeenAt'> | undefined
}

/** Moves a record's last-seen time and idle end forward, and nothing else. */
export interface Touch {
  /** The hash of the secret that the request came with. */
  readonly secretHash: string
  /** Never lowers the record's. */
  readonly lastSeenAt: EpochMs
  /** Never lowers the record's. */
  readonly expiresAt: EpochMs
}

/** What a sign-in writes beside the new secret. */
export interface SignIn {
  /** 1 to 255 bytes; never empty. */
  readonly userId: string
  /** The instant of the request that signed in. */
  readonly signedInAt: EpochMs
  /** Seconds, as in the record. */
  readonly idleTimeout: number
  /** Starts anew at each sign-in. */
  readonly absoluteEnd: EpochMs
  /** Whether the cookie outlives the browser. */
  readonly persistent: boolean
  /** The client's address. */
  readonly address: string | undefined
  /** The client's User-Agent header, cut to 512 bytes. */
  readonly userAgent: string | undefined
}

/** The new secret of the same record. From this statement on, the old one is dead. */
export interface Renewal {
  /** Takes the place of the hash in the record, in the same statement. */
  readonly secretHash: string
  /** When that happened. */
  readonly renewedAt: EpochMs
  /** Present when the renewal is a sign-in. */
  readonly signIn?: SignIn | undefined
}

/** Changes to one record, applied in this order to the record as it stands: clear, delete, set. */
export interface SessionChange {
  /** The hash of the secret that the request came with. Another one in the record: superseded. */
  readonly secretHash: string
  /** Bytes that the values may have after this change, as JSON text in UTF-8 without spaces. More: too large. */
  readonly maxValuesBytes: number
  /** Whether to remove every key first. */
  readonly clear?: boolean | undefined
  /** Keys to remove, whether or not they are there. */
  readonly delete?: ReadonlySet<string> | undefined
  /** Values to write, by key. */
  readonly set?: ReadonlyMap<string, JsonText> | undefined
  /** Write only if the key holds this value (`undefined`: is absent), compared as JSON, not as text. */
  readonly expect?: { readonly key: string; readonly value: JsonText | undefined } | undefined
  /** The new secret, of a sign-in or a step-up. */
  readonly renewal?: Renewal | undefined
  /** Never lowers the record's, except with a renewal. */
  readonly lastSeenAt: EpochMs
  /** Never lowers the record's, except with a renewal. */
  readonly expiresAt: EpochMs
}

/** What became of a change. In every case but `saved`, nothing was written. */
export type SaveResult =
  /** Written. `record` is how it stands after this change. */
  | { readonly outcome: 'saved'; readonly record: SessionRecord }
  /** There is no live record of this id. */
  | { readonly outcome: 'gone' }
  /** The record lives under another secret. */
  | { readonly outcome: 'superseded' }
  /** The key that `expect` names holds something else. */
  | { readonly outcome: 'unexpected' }
  /** The values would have more than `maxValuesBytes`. */
  | { readonly outcome: 'too-large' }

/**
 * Keeps session records. A store never reads a clock, never sees a token and knows no HTTP.
 *
 * An id that is unknown, ended or expired is an answer (`undefined` or `false`), not an error.
 * Every method rejects with {@link StoreError}, and only when the backend itself failed; or with
 * {@link ValueError}, when a stored record cannot be read.
 *
 * `create`, `save` and `touch` are different verbs, and none of them is an upsert: what was deleted stays
 * deleted, whatever finishes later. `coatcheck/testing` holds the tests of this contract.
 */
export interface Store {
  /** Adds a record. @returns false if its id is taken (by a live or an expired record): nothing was written. */
  create(record: SessionRecord, now: EpochMs): Promise<boolean>

  /** Finds the record that is live at `now`. */
  get(id: string, now: EpochMs): Promise<SessionRecord | undefined>

  /**
   * Applies `change` to the record that is live at `now`, in one step. Whatever the result, a change is
   * written whole or not at all. When several results apply, the first of these counts: gone, superseded,
   * unexpected, too large.
   */
  save(id: string, change: SessionChange, now: EpochMs): Promise<SaveResult>

  /**
   * Moves the last-seen time and the idle end of a live record forward, never back.
   *
   * @returns whether the record is live under this secret, moved or not; false: it is gone, or another
   *   secret lives there.
   */
  touch(id: string, to: Touch, now: EpochMs): Promise<boolean>

  /**
   * Ends a session, live or expired.
   *
   * @param only Delete only if the record is this user's.
   * @returns whether a record was there and was deleted.
   */
  delete(id: string, only?: { readonly userId: string }): Promise<boolean>

  /**
   * Lists the live records of a user, last used first, those of one instant by ascending id. The empty user id
   * has none.
   *
   * @param page The part that is wanted. (default: all)
   */
  listByUser(userId: string, now: EpochMs, page?: ListPage): Promise<readonly SessionListing[]>

  /**
   * Ends every session of a user whose sign-in was acknowledged before this call; a renewal beside it does
   * not escape. The empty user id, which is everybody who is not signed in, deletes nothing.
   *
   * @param options `except`: the id of the one session to keep.
   * @returns the ids that were deleted.
   */
  deleteByUser(userId: string, options?: { readonly except?: string | undefined }): Promise<readonly string[]>

  /** Deletes records that are expired at `now`, at most `limit`. @returns how many; fewer than `limit`: no more are due. */
  cleanup(now: EpochMs, limit: number): Promise<number>

  /** The server's own clock. Absent where the store lives in the process. */
  serverTime?(): Promise<EpochMs>

  /** Lets what is under way end. The user's client stays open. */
  close?(): Promise<void>
}
