import { randomBytes } from 'node:crypto'
import { type CookieCodec, SECRET_BYTES } from '../cookies/codec.ts'
import { type CookieAttributes, MAX_AGE_LIMIT } from '../cookies/header.ts'
import { StoreError } from '../errors.ts'
import type { SessionEvent } from '../events.ts'
import type { Exchange, SetCookie } from '../exchange.ts'
import type { EpochMs, SessionChange, SessionRecord, SignIn } from '../store.ts'
import type { Draft, Plan } from './draft.ts'
import { endAfterUse } from './durations.ts'
import { toObjectText } from './json.ts'
import type { Emit } from './observer.ts'
import { boundFor, type LostReason, lost, tooLarge } from './refusals.ts'
import { sha256Hex } from './sha256.ts'
import type { ValueChanges } from './staged-values.ts'
import { type StoreCall, save } from './store-guard.ts'
import { toStoredText } from './stored-text.ts'

const MAX_ADDRESS_BYTES = 128
const MAX_USER_AGENT_BYTES = 512

/** A plan that writes. */
export type WritingPlan = Exclude<Plan, { kind: 'nothing' }>

/** A record that is not stored yet, and the secret that opens it. */
interface NewRecord {
  readonly record: SessionRecord
  readonly secret: Uint8Array
}

/** What committing takes, the same for every request. */
export interface Committing {
  readonly codec: CookieCodec
  readonly cookie: CookieAttributes
  readonly maxValuesBytes: number
  readonly clock: () => EpochMs
  readonly emit: Emit | undefined
}

/**
 * Carries out what one request staged: the store first, then the answer's cookie.
 *
 * Made for one commit of one draft.
 */
export class Commit {
  readonly #kit: Committing
  readonly #draft: Draft
  readonly #exchange: Exchange
  readonly #call: StoreCall
  /** The instant of the commit; the request's own may be long ago. */
  readonly #now: EpochMs

  constructor(kit: Committing, draft: Draft, exchange: Exchange, call: StoreCall) {
    this.#kit = kit
    this.#draft = draft
    this.#exchange = exchange
    this.#call = call
    this.#now = kit.clock()
  }

  /**
   * @returns the cookie to send, if there is one.
   * @throws {@link ConflictError} the session is gone, superseded or ambiguous: nothing was written.
   * @throws {@link ValueError} a value cannot be stored: nothing was written.
   * @throws {@link StoreError} the store failed: whether something was written is not known.
   */
  async run(plan: WritingPlan): Promise<SetCookie | undefined> {
    switch (plan.kind) {
      case 'create':
        return this.#create(this.#prepare())
      case 'save':
        return this.#save(plan.record)
      case 'end':
        return this.#end(plan)
      case 'replace': {
        // Before the old record ends: values that cannot be stored leave it alone.
        const prepared = this.#prepare()
        await this.#endRecord(plan.record.id, plan.record.userId, 'sign-out')
        return this.#create(prepared)
      }
      case 'refuse':
        throw this.#lost(plan.id, plan.reason)
    }
  }

  /** @throws {@link ValueError} its values cannot be stored. */
  #prepare(): NewRecord {
    const secret = randomBytes(SECRET_BYTES)
    const record = this.#toRecord(secret)
    if (Buffer.byteLength(record.values) > this.#kit.maxValuesBytes) throw tooLarge(this.#kit.maxValuesBytes)
    return { record, secret }
  }

  async #create({ record, secret }: NewRecord): Promise<SetCookie> {
    const isCreated = await this.#call('create', record.id, (store) => store.create(record, this.#now))
    if (!isCreated) throw new StoreError('create', new Error('the id of the new session is taken'))
    this.#draft.settle(record)
    const { id, userId } = record
    this.#emit({ type: 'created', at: this.#at, id, userId: userId || undefined })
    if (userId !== '') this.#emit({ type: 'signed-in', at: this.#at, id, userId })
    return this.#cookieOf(record, secret)
  }

  async #save(record: SessionRecord): Promise<SetCookie | undefined> {
    const changes = this.#draft.values.changes()
    const secret = this.#draft.isRenewal ? randomBytes(SECRET_BYTES) : undefined
    const change = this.#toChange(record, changes, secret)
    const result = await save(this.#call, record.id, change, this.#now)
    switch (result.outcome) {
      case 'saved':
        this.#draft.settle(result.record)
        this.#tellOfSave(record.id, changes)
        return secret === undefined ? undefined : this.#cookieOf(result.record, secret)
      case 'gone':
      case 'superseded':
        if (!this.#draft.isSignIn) throw this.#lost(record.id, result.outcome)
        this.#draft.detach()
        return this.#create(this.#prepare())
      case 'too-large':
        throw tooLarge(this.#kit.maxValuesBytes)
      case 'unexpected':
        throw new StoreError('save', new Error('the store refused an expectation that was not given'))
    }
  }

  async #end({ id, userId, by }: Extract<Plan, { kind: 'end' }>): Promise<SetCookie | undefined> {
    if (id !== undefined) await this.#endRecord(id, userId, by)
    return this.#draft.cookieCame ? { ...this.#kit.cookie, value: '', maxAge: 0 } : undefined
  }

  async #endRecord(id: string, userId: string, by: 'destroy' | 'sign-out'): Promise<void> {
    const wasThere = await this.#call('delete', id, (store) => store.delete(id))
    if (!wasThere) return
    if (by === 'sign-out' && userId !== '') this.#emit({ type: 'signed-out', at: this.#at, id, userId })
    else this.#emit({ type: 'destroyed', at: this.#at, id, userId: userId || undefined })
  }

  #toRecord(secret: Uint8Array): SessionRecord {
    const { identity } = this.#draft
    const isSignedIn = identity.userId !== ''
    return {
      id: identity.id,
      secretHash: sha256Hex(secret),
      userId: identity.userId,
      values: toObjectText(this.#draft.values.changes().set),
      version: 1,
      createdAt: identity.createdAt,
      signedInAt: identity.signedInAt,
      renewedAt: this.#now,
      lastSeenAt: this.#now,
      idleTimeout: identity.idleTimeout,
      absoluteEnd: identity.absoluteEnd,
      expiresAt: endAfterUse(identity, this.#now),
      persistent: identity.persistent,
      address: isSignedIn ? this.#address : undefined,
      userAgent: isSignedIn ? this.#userAgent : undefined,
    }
  }

  #toChange(record: SessionRecord, changes: ValueChanges, secret: Uint8Array | undefined): SessionChange {
    const { identity, now } = this.#draft
    const maxValuesBytes = boundFor(changes, this.#kit.maxValuesBytes)
    const common = { secretHash: record.secretHash, maxValuesBytes, ...changes }
    if (secret === undefined) return { ...common, lastSeenAt: now, expiresAt: endAfterUse(record, now) }
    // A renewal may lower the ends, so that of a slow request counts from its commit: others used the session since.
    return {
      ...common,
      renewal: { secretHash: sha256Hex(secret), renewedAt: this.#now, signIn: this.#toSignIn() },
      lastSeenAt: this.#now,
      expiresAt: endAfterUse(identity, this.#now),
    }
  }

  #toSignIn(): SignIn | undefined {
    if (!this.#draft.isSignIn) return undefined
    const { userId, idleTimeout, absoluteEnd, persistent } = this.#draft.identity
    const { now: signedInAt } = this.#draft
    const client = { address: this.#address, userAgent: this.#userAgent }
    return { userId, signedInAt, idleTimeout, absoluteEnd, persistent, ...client }
  }

  #cookieOf({ id, absoluteEnd, persistent }: SessionRecord, secret: Uint8Array): SetCookie {
    const value = this.#kit.codec.encode({ id, secret, issuedAt: this.#now, absoluteEnd })
    const secondsLeft = Math.max(1, Math.floor((absoluteEnd - this.#now) / 1000))
    return {
      ...this.#kit.cookie,
      value,
      maxAge: persistent ? Math.min(secondsLeft, MAX_AGE_LIMIT) : undefined,
    }
  }

  #tellOfSave(id: string, changes: ValueChanges): void {
    const { isSignIn, isRenewal, identity } = this.#draft
    if (isSignIn) this.#emit({ type: 'signed-in', at: this.#at, id, userId: identity.userId })
    else if (isRenewal) this.#emit({ type: 'renewed', at: this.#at, id })
    if (changes.clear || changes.delete.size > 0 || changes.set.size > 0)
      this.#emit({ type: 'saved', at: this.#at, id })
  }

  #lost(id: string, reason: LostReason) {
    return lost(reason, () => this.#emit({ type: 'lost', at: this.#at, id, reason }))
  }

  #emit(event: SessionEvent): void {
    this.#kit.emit?.(event)
  }

  get #at(): Date {
    return new Date(this.#now)
  }

  get #address(): string | undefined {
    return toStoredText(this.#exchange.address, MAX_ADDRESS_BYTES)
  }

  get #userAgent(): string | undefined {
    return toStoredText(this.#exchange.header('user-agent'), MAX_USER_AGENT_BYTES)
  }
}
