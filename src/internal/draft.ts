import { StateError, ValueError } from '../errors.ts'
import type { SignInOptions } from '../session.ts'
import type { EpochMs, SessionRecord } from '../store.ts'
import { durationProblem, endAfterUse, toMs } from './durations.ts'
import { StagedValues } from './staged-values.ts'
import { checkUserId } from './stored-text.ts'

/** What the cookie of a request gave. */
export type Arrival =
  /** No session: no cookie, or one that names nothing live. */
  | { readonly kind: 'nobody' }
  /** The session of this record. */
  | { readonly kind: 'record'; readonly record: SessionRecord }
  /** A token whose session was renewed at most 30 s ago, most likely by a parallel request. */
  | { readonly kind: 'superseded'; readonly id: string }
  /** Two tokens that name two live sessions. */
  | { readonly kind: 'ambiguous' }

/** How long a session lasts where its sign-in does not say otherwise. Seconds. */
export interface Lifetime {
  readonly idleTimeout: number
  readonly absoluteTimeout: number
  readonly persistent: boolean
}

/** What a draft is begun with. */
export interface DraftStart {
  /** Whose session it is: the manager that began it. */
  readonly owner: object
  readonly arrival: Arrival
  /** Whether the request brought a cookie of our name, so that `destroy()` has one to delete. */
  readonly cookieCame: boolean
  /** The instant of the request, by the manager's clock. */
  readonly now: EpochMs
  readonly lifetime: Lifetime
  /** Makes an id: UUID v4. */
  newId(): string
  /** Whether the head of the response has gone. */
  isHeadSent(): boolean
}

/** The one thing that a commit has to do. */
export type Plan =
  | { readonly kind: 'nothing' }
  /** Store a new session. */
  | { readonly kind: 'create' }
  /** Change the record that the request came with. */
  | { readonly kind: 'save'; readonly record: SessionRecord }
  /** End the session that the request came with, if there is one, and begin no other. */
  | {
      readonly kind: 'end'
      readonly id: string | undefined
      readonly userId: string
      readonly by: 'destroy' | 'sign-out'
    }
  /** End the record that the request came with, then store a new session. */
  | { readonly kind: 'replace'; readonly record: SessionRecord }
  /** Refuse the write: there is no session that it could go to. */
  | { readonly kind: 'refuse'; readonly reason: 'superseded' | 'ambiguous'; readonly id: string }

/** The facts of a session beside its values, as staged. */
interface Identity {
  readonly id: string
  readonly userId: string
  readonly createdAt: EpochMs
  readonly signedInAt: EpochMs | undefined
  readonly lastSeenAt: EpochMs
  readonly idleTimeout: number
  readonly absoluteEnd: EpochMs
  readonly persistent: boolean
}

/**
 * One session during one request, as the manager sees it: what the request came with and what it staged.
 * Does no I/O, reads no clock and knows no HTTP.
 */
export class Draft {
  readonly #start: DraftStart
  #arrived: SessionRecord | undefined
  /** The record that this session still is; `undefined` for one that is not stored. */
  #record: SessionRecord | undefined
  #identity: Identity
  #values: StagedValues
  #signedIn = false
  #renewed = false
  #ended = false
  #committed = false
  /** The commit or touch under way. Here, because a Map of all of them would keep requests alive: decision 015. */
  refreshing: Promise<void> | undefined
  /** How the session stands in the store once it was committed. */
  #stored: { readonly expiresAt: EpochMs } | undefined

  constructor(start: DraftStart) {
    this.#start = start
    this.#arrived = start.arrival.kind === 'record' ? start.arrival.record : undefined
    this.#record = this.#arrived
    this.#identity = this.#arrived ?? this.#fresh()
    this.#values = new StagedValues(this.#arrived?.values)
  }

  /** The instant of the request. */
  get now(): EpochMs {
    return this.#start.now
  }

  /** The manager that began it. */
  get owner(): object {
    return this.#start.owner
  }

  get cookieCame(): boolean {
    return this.#start.cookieCame
  }

  /** The record that the request came with, whatever became of it since. */
  get arrived(): SessionRecord | undefined {
    return this.#arrived
  }

  get identity(): Identity {
    return this.#identity
  }

  get values(): StagedValues {
    return this.#values
  }

  get isEnded(): boolean {
    return this.#ended
  }

  get isNew(): boolean {
    return this.#record === undefined && this.#stored === undefined
  }

  /** Whether the commit signs somebody in. */
  get isSignIn(): boolean {
    return this.#signedIn
  }

  /** Whether the commit gives the session a new secret. */
  get isRenewal(): boolean {
    return this.#signedIn || this.#renewed
  }

  /** Whether a commit has begun. */
  get isCommitted(): boolean {
    return this.#committed
  }

  /** Whether nothing can be committed (any more). */
  get isClosed(): boolean {
    return this.#committed || this.#start.isHeadSent()
  }

  /** Whether a commit has anything to do but a touch. Never throws. */
  get needsCommit(): boolean {
    return !this.isClosed && (this.#ended || this.isRenewal || this.#wasReplaced || this.#values.isChanged)
  }

  /** The earlier of both ends, counted from the request's instant. */
  get projectedEnd(): EpochMs {
    return endAfterUse(this.#identity, this.now)
  }

  get expiresAt(): EpochMs {
    if (this.#stored !== undefined) return this.#stored.expiresAt
    const isAsStored = this.#ended || this.isClosed || !this.isRenewal
    if (this.#record !== undefined && isAsStored) return this.#record.expiresAt
    return this.projectedEnd
  }

  setUserId(userId: string | undefined, options: SignInOptions): void {
    this.checkWritable('setUserId')
    if (userId !== undefined) checkUserId(userId)
    checkSignInOptions(options)
    const before = this.#identity.userId
    if (before !== '' && before !== userId) this.#beginAnew()
    if (userId !== undefined) this.#signIn(userId, options)
  }

  renew(): void {
    this.checkWritable('renew')
    this.#renewed = this.#record !== undefined
  }

  destroy(): void {
    this.#checkOpen('destroy')
    this.#ended = true
  }

  /** @throws {@link StateError} the session has ended, was committed, or the head has gone. */
  checkWritable(operation: string): void {
    this.#checkOpen(operation)
    if (this.#ended) throw new StateError(`session.${operation}() came after the session was ended`)
  }

  /** Whether `update()` has to stay in this request: the key or the user is staged here, or nothing is stored yet. */
  mustStageUpdate(key: string): boolean {
    return this.#identity.userId !== this.#record?.userId || this.#values.isStaged(key)
  }

  /** Closes the unit of work: from here on, what was staged is being committed. */
  close(): void {
    this.#committed = true
  }

  /** @param failed Whether the response is a failure (5xx), which commits ends only. */
  plan(failed: boolean): Plan {
    const plan = this.#wholePlan()
    if (!failed || plan.kind === 'end') return plan
    const isSignOut = plan.kind === 'replace' && this.#identity.userId === ''
    return isSignOut ? endBySignOut(plan.record) : { kind: 'nothing' }
  }

  /** Becomes another session, which holds what this request set: a sign-in found its record gone. */
  detach(): void {
    const { id, createdAt, lastSeenAt } = this.#fresh()
    this.#values.detach()
    this.#record = undefined
    this.#identity = { ...this.#identity, id, createdAt, lastSeenAt }
  }

  /** Takes over that the record which the request came with was used now: it was touched, or `update()` wrote to it. */
  noteUse({ lastSeenAt, expiresAt }: Pick<SessionRecord, 'lastSeenAt' | 'expiresAt'>): void {
    const used = this.#arrived && { ...this.#arrived, lastSeenAt, expiresAt }
    if (this.#record !== undefined) this.#record = used
    this.#arrived = used
  }

  /** Takes over how the session now stands in the store. */
  settle(stored: { readonly expiresAt: EpochMs }): void {
    this.#stored = stored
  }

  get #wasReplaced(): boolean {
    return this.#arrived !== undefined && this.#record === undefined
  }

  get #hasContent(): boolean {
    return this.#identity.userId !== '' || this.#values.keys().length > 0
  }

  #wholePlan(): Plan {
    if (!this.needsCommit) return { kind: 'nothing' }
    const arrived = this.#arrived
    if (this.#ended) return this.#endByDestroy()
    if (this.#record !== undefined) return { kind: 'save', record: this.#record }
    if (arrived !== undefined)
      return this.#hasContent ? { kind: 'replace', record: arrived } : endBySignOut(arrived)
    if (this.#identity.userId !== '') return { kind: 'create' }
    return this.#planForNobody()
  }

  #planForNobody(): Plan {
    const { arrival } = this.#start
    switch (arrival.kind) {
      case 'nobody':
      case 'record':
        return this.#hasContent ? { kind: 'create' } : { kind: 'nothing' }
      case 'superseded':
        return { kind: 'refuse', reason: 'superseded', id: arrival.id }
      case 'ambiguous':
        return { kind: 'refuse', reason: 'ambiguous', id: this.#identity.id }
    }
  }

  #endByDestroy(): Plan {
    const { arrival } = this.#start
    const id = arrival.kind === 'superseded' ? arrival.id : this.#arrived?.id
    return { kind: 'end', id, userId: this.#arrived?.userId ?? '', by: 'destroy' }
  }

  #checkOpen(operation: string): void {
    if (this.#committed) throw new StateError(`session.${operation}() came after the session was committed`)
    if (this.#start.isHeadSent()) {
      throw new StateError(`session.${operation}() came after the head of the response had gone`)
    }
  }

  #beginAnew(): void {
    this.#record = undefined
    this.#identity = this.#fresh()
    this.#values = new StagedValues(undefined)
    this.#signedIn = false
    this.#renewed = false
  }

  #signIn(userId: string, options: SignInOptions): void {
    const kept = this.#identity.userId === userId ? lifetimeOf(this.#identity) : this.#start.lifetime
    const absoluteTimeout = options.absoluteTimeout ?? kept.absoluteTimeout
    this.#identity = {
      ...this.#identity,
      userId,
      signedInAt: this.now,
      idleTimeout: Math.min(options.idleTimeout ?? kept.idleTimeout, absoluteTimeout),
      absoluteEnd: this.now + toMs(absoluteTimeout),
      persistent: options.persistent ?? kept.persistent,
    }
    this.#signedIn = true
  }

  #fresh(): Identity {
    const { now, lifetime } = this.#start
    return {
      id: this.#start.newId(),
      userId: '',
      createdAt: now,
      signedInAt: undefined,
      lastSeenAt: now,
      idleTimeout: lifetime.idleTimeout,
      absoluteEnd: now + toMs(lifetime.absoluteTimeout),
      persistent: lifetime.persistent,
    }
  }
}

function endBySignOut(record: SessionRecord): Plan {
  return { kind: 'end', id: record.id, userId: record.userId, by: 'sign-out' }
}

// The absolute end is set at a sign-in and, for nobody, at the creation: the distance is the timeout.
function lifetimeOf({ idleTimeout, absoluteEnd, signedInAt, createdAt, persistent }: Identity): Lifetime {
  return { idleTimeout, absoluteTimeout: (absoluteEnd - (signedInAt ?? createdAt)) / 1000, persistent }
}

function checkSignInOptions(options: SignInOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new ValueError('the options of setUserId must be an object')
  for (const [name, value] of Object.entries(options)) {
    const problem = signInOptionProblem(name, value)
    if (problem !== undefined) throw new ValueError(problem)
  }
}

function signInOptionProblem(name: string, value: unknown): string | undefined {
  switch (name) {
    case 'idleTimeout':
    case 'absoluteTimeout':
      return value === undefined ? undefined : durationProblem(name, value)
    case 'persistent':
      return value === undefined || typeof value === 'boolean'
        ? undefined
        : 'persistent must be true or false'
    default:
      return `unknown option "${name}" of setUserId`
  }
}
