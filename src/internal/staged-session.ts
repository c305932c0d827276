import { StateError, ValueError } from '../errors.ts'
import type { Session, SignInOptions } from '../session.ts'
import type { Json } from '../values.ts'
import type { Draft } from './draft.ts'
import { checkKey } from './json.ts'
import { readJson } from './read-json.ts'

/** Commits one `update()` against the store; given by the manager. @returns the new value. */
export type CommitUpdate = (key: string, change: (old: unknown) => unknown) => Promise<unknown>

/**
 * The {@link Session} that applications hold: the draft's public face. Everything secret stays behind it.
 */
export class StagedSession<V extends object> implements Session<V> {
  readonly #draft: Draft
  readonly #commitUpdate: CommitUpdate

  static {
    // express-session's idiom `req.session.cart = 1` would be lost in silence.
    Object.setPrototypeOf(StagedSession.prototype, new Proxy(Object.prototype, { set: refuseAssignment }))
    // What `util.inspect` and `console.log` call. A computed name in the class has no isolated declaration.
    const value = StagedSession.prototype.toJSON
    Object.defineProperty(StagedSession.prototype, Symbol.for('nodejs.util.inspect.custom'), { value })
  }

  /** The draft behind a session; `undefined` for any other object. */
  static draftOf(session: object): Draft | undefined {
    return #draft in session ? session.#draft : undefined
  }

  constructor(draft: Draft, commitUpdate: CommitUpdate) {
    this.#draft = draft
    this.#commitUpdate = commitUpdate
    Object.preventExtensions(this)
  }

  get id(): string {
    return this.#draft.identity.id
  }

  get userId(): string | undefined {
    return this.#draft.isEnded ? undefined : this.#draft.identity.userId || undefined
  }

  get createdAt(): Date {
    return new Date(this.#draft.identity.createdAt)
  }

  get signedInAt(): Date | undefined {
    const { signedInAt } = this.#draft.identity
    return signedInAt === undefined || this.#draft.isEnded ? undefined : new Date(signedInAt)
  }

  get lastSeenAt(): Date {
    return new Date(this.#draft.identity.lastSeenAt)
  }

  get expiresAt(): Date {
    return new Date(this.#draft.expiresAt)
  }

  get isNew(): boolean {
    return this.#draft.isNew
  }

  values(): Readonly<Partial<V>> {
    const { values } = this.#draft
    const keys = this.#draft.isEnded ? [] : values.keys()
    // What set() took under a key of V is what is read back under it.
    return Object.fromEntries(keys.map((key) => [key, values.get(key)])) as Readonly<Partial<V>>
  }

  get<K extends keyof V & string>(key: K): V[K] | undefined {
    return this.#draft.isEnded ? undefined : (this.#draft.values.get(key) as V[K] | undefined) // as in values()
  }

  has(key: keyof V & string): boolean {
    return !this.#draft.isEnded && this.#draft.values.has(key)
  }

  set<K extends keyof V & string>(key: K, value: Json<Exclude<V[K], undefined>>): this {
    this.#draft.checkWritable('set')
    this.#draft.values.set(key, value)
    return this
  }

  delete(key: keyof V & string): this {
    this.#draft.checkWritable('delete')
    this.#draft.values.delete(key)
    return this
  }

  take<K extends keyof V & string>(key: K): V[K] | undefined {
    this.#draft.checkWritable('take')
    return this.#draft.values.take(key) as V[K] | undefined // as in values()
  }

  clear(): this {
    this.#draft.checkWritable('clear')
    this.#draft.values.clear()
    return this
  }

  setUserId(userId: string | undefined, options: SignInOptions = {}): this {
    this.#draft.setUserId(userId, options)
    return this
  }

  renew(): this {
    this.#draft.renew()
    return this
  }

  destroy(): this {
    this.#draft.destroy()
    return this
  }

  async update<K extends keyof V & string>(
    key: K,
    change: (old: V[K] | undefined) => Json<Exclude<V[K], undefined>> | undefined,
  ): Promise<V[K] | undefined> {
    this.#draft.checkWritable('update')
    checkKey(key)
    const changeStored = (old: unknown): unknown => refusePromise(change(old as V[K] | undefined), key) // as in values()
    const value = this.#draft.mustStageUpdate(key)
      ? stageUpdate(this.#draft, key, changeStored)
      : await this.#commitUpdate(key, changeStored)
    return value as V[K] | undefined // as in values()
  }

  /** What a log may show: no values, no token. */
  toJSON(): object {
    const { id, userId, createdAt, signedInAt, lastSeenAt, expiresAt, isNew } = this
    return { id, userId, createdAt, signedInAt, lastSeenAt, expiresAt, isNew }
  }
}

function stageUpdate({ values }: Draft, key: string, change: (old: unknown) => unknown): unknown {
  const before = values.textOf(key)
  const after = change(before === undefined ? undefined : readJson(before))
  if (after !== undefined) values.set(key, after)
  else if (before !== undefined) values.delete(key)
  const text = values.textOf(key)
  return text === undefined ? undefined : readJson(text)
}

// Left alone, a promise that rejects would end the process.
function refusePromise(value: unknown, key: string): unknown {
  if (!(value instanceof Promise)) return value
  value.catch(() => undefined)
  throw new ValueError(`the change of session.update("${key}") has to be synchronous: it returned a promise`)
}

function refuseAssignment(_target: object, property: string | symbol): never {
  throw new StateError(`a session keeps values by set(): session.set(${JSON.stringify(String(property))}, …)`)
}
