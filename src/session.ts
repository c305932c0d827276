import type { Json, RegisteredValues } from './values.ts'

/** What a sign-in may choose for its own session: "remember me". Kept in the record. */
export interface SignInOptions {
  /** Whether the cookie outlives the browser. (default: the record's where the same user signs in again, else `cookie.persistent`) */
  readonly persistent?: boolean | undefined
  /** Seconds without use after which the session ends; cut to the absolute timeout. (default: as above, else the manager's) */
  readonly idleTimeout?: number | undefined
  /** Seconds after this sign-in at which the session ends, however busy. (default: as above, else the manager's) */
  readonly absoluteTimeout?: number | undefined
}

/**
 * What the server remembers about one browser, during one request. It is a unit of work: every method but
 * `update()` is synchronous and stages; the manager's `refresh` commits, before the head of the response goes.
 *
 * After the commit, or once the head has gone, reading goes on and every change is a {@link StateError}.
 *
 * @see OWASP ASVS 5.0 V7
 */
export interface Session<V extends object = RegisteredValues> {
  /** UUID v4. May stand in logs and lists: it opens nothing. */
  readonly id: string
  /** Who is signed in, `undefined` for nobody; staged changes included. */
  readonly userId: string | undefined
  /** When the session began; a sign-in of the same user leaves it. */
  readonly createdAt: Date
  /** When the user signed in, for "sign in again before this". */
  readonly signedInAt: Date | undefined
  /** The last use before this request. */
  readonly lastSeenAt: Date
  /** The earlier of the idle and the absolute end. */
  readonly expiresAt: Date
  /** Whether the session is not in the store yet. */
  readonly isNew: boolean

  /** All values, staged changes included. The object is a copy; what is in it is tracked as by {@link get}. */
  values(): Readonly<Partial<V>>

  /**
   * Reads a value. An object or array that was handed out and then changed in place counts as set.
   *
   * @throws {@link ValueError} the stored record cannot be read.
   */
  get<K extends keyof V & string>(key: K): V[K] | undefined

  /** Whether there is a value, staged changes included. */
  has(key: keyof V & string): boolean

  /**
   * Stages a value. It is copied: what the caller changes in its own object afterwards does not count.
   *
   * @throws {@link ValueError} JSON cannot hold the value exactly; the message has the path of the part.
   * @throws {@link StateError} after `destroy()`, the commit, or the head.
   */
  set<K extends keyof V & string>(key: K, value: Json<Exclude<V[K], undefined>>): this

  /** Stages a removal, also of a key that is not there: a parallel request may have set it. */
  delete(key: keyof V & string): this

  /** Reads a value and stages its removal: flash messages. What it returns is the caller's own. */
  take<K extends keyof V & string>(key: K): V[K] | undefined

  /** Stages the removal of every value, those included that parallel requests set until the commit. */
  clear(): this

  /**
   * Signs a user in, or out.
   *
   * From nobody, or the same user again: the session stays, gets a new secret, keeps its values, and its
   * absolute end starts anew. To another user, or to `undefined`: it ends and another begins, holding only
   * what this request sets after the call. From nobody to `undefined`: nothing.
   *
   * @param userId 1 to 255 bytes of UTF-8, or `undefined` to sign out.
   * @throws {@link ValueError} the user id or an option is out of bounds.
   * @see OWASP ASVS 5.0 7.2.4
   */
  setUserId(userId: string | undefined, options?: SignInOptions): this

  /** Replaces the secret; values and absolute end stay. For step-up: before more is allowed than until now. */
  renew(): this

  /** Ends the session: sign-out. Ending it twice is nothing. */
  destroy(): this

  /**
   * Changes one value atomically against every other request and process, and commits at once: counters,
   * OAuth state, one-time tokens. It survives a handler that throws.
   *
   * On a session that is not stored yet, or where this request has itself staged the key, called `clear()`
   * or changed the user, it only changes what is staged, and commits with it.
   *
   * @param change Takes the old value (its own copy) to the new one; `undefined` deletes. Synchronous; may
   *   run more than once.
   * @returns the new value.
   * @throws {@link ConflictError} it lost 64 times, or the session had ended or was renewed.
   * @throws {@link StoreError} the store failed; whether the change was written is not known.
   */
  update<K extends keyof V & string>(
    key: K,
    change: (old: V[K] | undefined) => Json<Exclude<V[K], undefined>> | undefined,
  ): Promise<V[K] | undefined>
}

/** What a list of a user's sessions tells of each. Nothing in it opens a session. */
export interface SessionInfo {
  /** What `revoke()` takes. It opens nothing. */
  readonly id: string
  /** Who is signed in. */
  readonly userId: string
  /** When the session began; before the sign-in, if it held something by then. */
  readonly createdAt: Date
  /** When the user signed in. */
  readonly signedInAt: Date
  /** The last use, exact to the touch interval. */
  readonly lastSeenAt: Date
  /** The earlier of the idle and the absolute end. */
  readonly expiresAt: Date
  /** The client's address at sign-in. */
  readonly address: string | undefined
  /** The client's User-Agent header at sign-in, cut to 512 bytes. */
  readonly userAgent: string | undefined
}

/** Which part of the list of a user's sessions is wanted. */
export interface ListOptions {
  /** Entries at most: a whole number from 1 to 1,000. (default: 1,000) */
  readonly limit?: number | undefined
  /**
   * The last entry of the page before; the list goes on behind its place, also when it has ended meanwhile. Only its
   * `id` and `lastSeenAt` are read. (default: none, from the front)
   */
  readonly after?: Pick<SessionInfo, 'id' | 'lastSeenAt'> | undefined
}
