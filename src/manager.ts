import { randomUUID } from 'node:crypto'
import type { CookieCodec } from './cookies/codec.ts'
import { nativeCodec } from './cookies/native.ts'
import { StateError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { type AtomicUpdate, updateAtomically } from './internal/atomic-update.ts'
import { authenticate } from './internal/authenticate.ts'
import { Cleaner } from './internal/cleaner.ts'
import { Commit, type WritingPlan } from './internal/commit.ts'
import { Draft } from './internal/draft.ts'
import { endAfterUse } from './internal/durations.ts'
import { KeyedQueue } from './internal/keyed-queue.ts'
import { toListPage } from './internal/list-page.ts'
import { type Emit, toEmit } from './internal/observer.ts'
import { Pending } from './internal/pending.ts'
import { varyByCookie } from './internal/response-headers.ts'
import { isSessionId } from './internal/session-id.ts'
import { toSessionInfo } from './internal/session-info.ts'
import { StagedSession } from './internal/staged-session.ts'
import { StoreGuard } from './internal/store-guard.ts'
import { checkUserId } from './internal/stored-text.ts'
import { Touches } from './internal/touches.ts'
import { type ResolvedOptions, resolveOptions, type SessionManagerOptions } from './options.ts'
import type { ListOptions, Session, SessionInfo } from './session.ts'
import type { EpochMs, SessionRecord, Store } from './store.ts'
import type { RegisteredValues } from './values.ts'

/** The session of a request, and the manager that it belongs to. */
interface Started<V extends object> {
  readonly by: object
  readonly session: Promise<Session<V>>
}

/**
 * The rules over a store: which session a request has, when it is written, how it ends.
 *
 * One for each session cookie of an application. Constructing it does no I/O, starts no timer and takes no
 * random bytes.
 *
 * @see OWASP ASVS 5.0 V7, OWASP Session Management Cheat Sheet
 */
export class SessionManager<V extends object = RegisteredValues> {
  /** The store that keeps the sessions. */
  readonly store: Store
  readonly #options: ResolvedOptions
  readonly #emit: Emit | undefined
  readonly #codec: CookieCodec
  readonly #guard: StoreGuard
  readonly #touches: Touches
  readonly #cleaner: Cleaner
  readonly #updates = new KeyedQueue()
  readonly #pending = new Pending()
  /**
   * Where a request keeps its session: a WeakMap of all requests costs the garbage collector several µs each. One
   * place for each cookie name, also where bundlers load this module twice.
   */
  readonly #session: symbol
  #closing: Promise<void> | undefined

  /** @throws {@link ConfigError} an option cannot work; the message names it. */
  constructor(options: SessionManagerOptions) {
    const resolved = resolveOptions(options)
    const { store, cookie, authKeys, encryptionKeys, usesSystemClock } = resolved
    this.store = store
    this.#options = resolved
    this.#emit = toEmit(resolved.onEvent)
    this.#session = Symbol.for(`coatcheck.session ${cookie.name}`)
    this.#codec = nativeCodec({ cookieName: cookie.name, authKeys, encryptionKeys })
    this.#guard = new StoreGuard({
      store,
      timeout: resolved.storeTimeout,
      clock: resolved.clock,
      emit: this.#emit,
      pending: this.#pending,
    })
    this.#touches = new Touches(resolved.touchInterval, this.#emit)
    this.#cleaner = new Cleaner({
      store,
      guard: this.#guard,
      clock: resolved.clock,
      usesSystemClock,
      interval: resolved.cleanupInterval,
      emit: this.#emit,
      pending: this.#pending,
    })
  }

  /**
   * Loads the session that the request proves possession of, or begins an empty one, which is stored only if
   * something is put in. Whatever is wrong with a cookie is no error: the session is empty and new.
   *
   * Called twice for one request, it gives the same session.
   *
   * @throws {@link StoreError} the store failed. Answer 503; never go on as if nobody were signed in.
   * @throws {@link StateError} another manager with this cookie name has started a session for the request.
   */
  start(exchange: Exchange): Promise<Session<V>> {
    const request = exchange.request as { [key: symbol]: Started<V> | undefined } // under our own symbol
    const known = request[this.#session]
    // Of two cookies of one name only the last one leaves: what the other manager's opens would be lost.
    if (known !== undefined) return known.by === this ? known.session : Promise.reject(this.#nameIsTaken())
    this.#cleaner.start()
    const session = this.#start(exchange)
    // Reflect.set, because a request object that takes no property still deserves a session.
    Reflect.set(request, this.#session, { by: this, session })
    session.catch(() => Reflect.set(request, this.#session, undefined))
    return session
  }

  /**
   * Commits what the session staged and sets the cookie, or touches it if that is due. To be called before the
   * head of the response goes, which must wait for it if {@link needsRefresh} says so.
   *
   * A touch that fails is reported as an event and fails nothing.
   *
   * @throws {@link ConflictError} the session ended or was renewed meanwhile. Answer 409 instead of the body.
   * @throws {@link ValueError} a value cannot be stored. Answer 500 instead of the body.
   * @throws {@link StoreError} the store failed. Answer 503 instead of the body.
   * @throws {@link StateError} the session is not this manager's.
   */
  refresh(exchange: Exchange, session: Session<V>): Promise<void> {
    const draft = this.#findDraft(session)
    if (draft === undefined) return Promise.reject(notOurs())
    if (draft.refreshing !== undefined) return draft.refreshing
    const refreshing = this.#refresh(exchange, draft)
    if (refreshing === undefined) return Promise.resolve()
    draft.refreshing = this.#pending.add(refreshing)
    const forget = () => {
      draft.refreshing = undefined
    }
    refreshing.then(forget, forget)
    return refreshing
  }

  /** Ends the session and commits at once: `session.destroy()` and {@link refresh}. */
  async destroy(exchange: Exchange, session: Session<V>): Promise<void> {
    this.#draftOf(session).destroy()
    await this.refresh(exchange, session)
  }

  /** Whether the head of the response has to wait for {@link refresh}. A plain read does not. Never throws for a session of this manager. */
  needsRefresh(session: Session<V>): boolean {
    return this.#draftOf(session).needsCommit
  }

  /** Whether a session was started by this manager. @internal */
  owns(session: object): boolean {
    return this.#findDraft(session) !== undefined
  }

  /**
   * Lists a user's live sessions, last used first, page by page. Nothing in it opens a session.
   *
   * A session that is used between two pages moves to the front, and so is not seen on a later one.
   *
   * @param options `limit`: entries at most, from 1 to 1,000; `after`: the last entry of the page before.
   *   (default: the first 1,000)
   * @returns the entries of the page; fewer than `limit`: it is the last.
   * @throws {@link ValueError} the user id is empty or out of bounds, or an option is.
   */
  async listSessions(userId: string, options: ListOptions = {}): Promise<SessionInfo[]> {
    checkUserId(userId)
    const page = toListPage(options)
    const call = this.#guard.begin()
    const listings = await call('listByUser', undefined, (store) =>
      store.listByUser(userId, this.#now(), page),
    )
    return listings.map(toSessionInfo)
  }

  /** Finds a live session that somebody is signed in to, outside a request: for sockets and jobs. Does not touch it. */
  async find(id: string): Promise<SessionInfo | undefined> {
    const record = await this.#read(id)
    return record === undefined || record.userId === '' ? undefined : toSessionInfo(record)
  }

  /**
   * Notes activity outside HTTP; writes at most once per touch interval.
   *
   * @returns false if the session is over.
   */
  async touch(id: string): Promise<boolean> {
    const record = await this.#read(id)
    if (record === undefined) return false
    const now = this.#now()
    if (!this.#touches.isDue(record, now)) return true
    const isLive = await this.#pending.add(this.#touches.touch(record, now, this.#guard.begin()))
    // Not live under the secret that was read: ended, or renewed meanwhile, which is activity too.
    return isLive || (await this.#read(id)) !== undefined
  }

  /**
   * Ends one session of a user.
   *
   * @param id Any text; only the id of a session of this user ends one.
   * @returns whether it was there, and that user's.
   * @throws {@link ValueError} the user id is empty or out of bounds.
   * @see OWASP ASVS 5.0 7.5.2
   */
  async revoke(userId: string, id: string): Promise<boolean> {
    checkUserId(userId)
    if (!isSessionId(id)) return false
    const call = this.#guard.begin()
    const wasThere = await call('delete', id, (store) => store.delete(id, { userId }))
    if (wasThere) this.#emit?.({ type: 'revoked', at: new Date(this.#now()), id, userId })
    return wasThere
  }

  /**
   * Ends every session of a user whose sign-in was acknowledged before this call.
   *
   * @param options `except`: the id of a session to keep, usually that of the request.
   * @returns how many were ended.
   * @throws {@link ValueError} the user id is empty or out of bounds.
   * @see OWASP ASVS 5.0 7.4.2 and 7.4.3
   */
  async revokeAll(userId: string, options: { readonly except?: string | undefined } = {}): Promise<number> {
    checkUserId(userId)
    const call = this.#guard.begin()
    // A text that no store can keep would make its statement fail.
    const except = isSessionId(options.except) ? options.except : undefined
    const ids = await call('deleteByUser', undefined, (store) => store.deleteByUser(userId, { except }))
    for (const id of ids) this.#emit?.({ type: 'revoked', at: new Date(this.#now()), id, userId })
    return ids.length
  }

  /** Deletes expired records, in bounded steps. Runs by itself too, from the first {@link start} on. @returns how many. */
  cleanup(): Promise<number> {
    return this.#cleaner.clean()
  }

  /** Waits for what is under way, stops the cleanup and closes the store; the user's own client stays open. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** The same as {@link close}: `await using manager = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#cleaner.stop()
    await this.#pending.settle()
    await this.store.close?.()
  }

  async #start(exchange: Exchange): Promise<Session<V>> {
    const now = this.#now()
    varyByCookie(exchange)
    const authentication = { codec: this.#codec, cookieName: this.#options.cookie.name, emit: this.#emit }
    const found = await authenticate(authentication, exchange.header('cookie'), now, this.#guard.begin())
    const { arrival } = found
    if (arrival.kind === 'record') {
      const { id, userId } = arrival.record
      this.#emit?.({ type: 'loaded', at: new Date(now), id, userId: userId || undefined })
    }
    const draft = new Draft({
      owner: this,
      arrival,
      cookieCame: found.cookieCame,
      now,
      lifetime: this.#options,
      newId: randomUUID,
      isHeadSent: () => exchange.headSent,
    })
    return new StagedSession<V>(draft, (key, change) => this.#update(draft, key, change))
  }

  /** @returns `undefined` where there is nothing to write. */
  #refresh(exchange: Exchange, draft: Draft): Promise<void> | undefined {
    if (draft.isCommitted) return undefined
    const plan = draft.plan(exchange.status >= 500)
    draft.close()
    if (!exchange.headSent) varyByCookie(exchange)
    return plan.kind === 'nothing' ? this.#touchIfDue(draft) : this.#commit(exchange, draft, plan)
  }

  async #commit(exchange: Exchange, draft: Draft, plan: WritingPlan): Promise<void> {
    const kit = { ...this.#options, codec: this.#codec, emit: this.#emit, clock: () => this.#now() }
    const cookie = await new Commit(kit, draft, exchange, this.#guard.begin()).run(plan)
    if (cookie === undefined) return
    exchange.setCookie(cookie)
    exchange.setHeader('cache-control', 'no-store')
  }

  #touchIfDue(draft: Draft): Promise<void> | undefined {
    const { arrived, now } = draft
    if (arrived === undefined || !this.#touches.isDue(arrived, now)) return undefined
    const done = (isLive: boolean) => {
      if (isLive) draft.noteUse({ lastSeenAt: now, expiresAt: endAfterUse(arrived, now) })
    }
    // A failure is reported by the guard; the request has been answered in all that matters.
    return this.#touches.touch(arrived, now, this.#guard.begin()).then(done, () => undefined)
  }

  #update(draft: Draft, key: string, change: (old: unknown) => unknown): Promise<unknown> {
    const record = draft.arrived
    if (record === undefined) throw new StateError('session.update() has no stored session to change')
    const call = this.#guard.begin()
    const { id } = record
    const update: AtomicUpdate = {
      key,
      values: draft.values,
      change,
      maxValuesBytes: this.#options.maxValuesBytes,
      clock: () => this.#now(),
      call,
      onSaved: () => this.#emit?.({ type: 'saved', at: new Date(this.#now()), id }),
      onLost: (reason) => this.#emit?.({ type: 'lost', at: new Date(this.#now()), id, reason }),
    }
    return this.#pending.add(this.#updates.run(id, async () => updateAtomically(draft, record, update)))
  }

  async #read(id: string): Promise<SessionRecord | undefined> {
    if (!isSessionId(id)) return undefined
    const call = this.#guard.begin()
    return call('get', id, (store) => store.get(id, this.#now()))
  }

  #nameIsTaken(): StateError {
    const { name } = this.#options.cookie
    return new StateError(`two managers use the cookie "${name}": give this one a cookie.name of its own`)
  }

  #now(): EpochMs {
    return Math.floor(this.#options.clock())
  }

  #draftOf(session: object): Draft {
    const draft = this.#findDraft(session)
    if (draft === undefined) throw notOurs()
    return draft
  }

  #findDraft(session: object): Draft | undefined {
    const draft = StagedSession.draftOf(session)
    return draft?.owner === this ? draft : undefined
  }
}

function notOurs(): StateError {
  return new StateError('this session was not started by this manager')
}
