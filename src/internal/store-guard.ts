import { SessionError, StoreError } from '../errors.ts'
import type { EpochMs, SaveResult, SessionChange, Store } from '../store.ts'
import { Deadlines } from './deadlines.ts'
import { toMs } from './durations.ts'
import type { Emit } from './observer.ts'
import type { Pending } from './pending.ts'

/** The methods of a store that answer a request. */
export type StoreOperation = Exclude<keyof Store, 'close'>

/** What a guard takes. */
export interface Guarding {
  readonly store: Store
  /** Seconds. */
  readonly timeout: number
  readonly clock: () => EpochMs
  readonly emit: Emit | undefined
  /** Told of every call, so that a closing manager can wait for it. */
  readonly pending: Pending
}

/** Makes sure that no request waits longer for the store than `storeTimeout`, whoever wrote it. */
export class StoreGuard {
  readonly #kit: Guarding
  readonly #deadlines = new Deadlines()

  constructor(kit: Guarding) {
    this.#kit = kit
  }

  /** Begins one piece of work: all calls made through what it returns share one deadline. */
  begin(): StoreCall {
    const endsAt = performance.now() + toMs(this.#kit.timeout)
    return (operation, id, run) => this.#ask(operation, id, run, endsAt)
  }

  // With callbacks in place of `await`: as in StoreAttempts.
  #ask<T>(
    operation: StoreOperation,
    id: string | undefined,
    run: (store: Store) => Promise<T>,
    endsAt: number,
  ): Promise<T> {
    const { pending } = this.#kit
    pending.begin()
    return this.#await(run, endsAt).then(
      (result) => {
        pending.end()
        return result
      },
      (error) => {
        pending.end()
        // Here and not where the timer goes off, which may be that of another request, with that one's async context.
        throw this.#report(operation, id, error)
      },
    )
  }

  #await<T>(run: (store: Store) => Promise<T>, endsAt: number): Promise<T> {
    const { store, timeout } = this.#kit
    const late = () => new Error(`no answer within ${timeout} s`)
    return endsAt <= performance.now()
      ? Promise.reject(late())
      : this.#deadlines.wait(answer(store, run), endsAt, late)
  }

  #report(operation: StoreOperation, id: string | undefined, cause: unknown): SessionError {
    const error = cause instanceof SessionError ? cause : new StoreError(operation, cause)
    const { clock, emit } = this.#kit
    emit?.({ type: 'store-failed', at: new Date(clock()), operation, error, id })
    return error
  }
}

// A store that throws at once, or answers with a plain value, is treated like one that keeps to the contract.
function answer<T>(store: Store, run: (store: Store) => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(run(store))
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * Calls one method of the store within the deadline.
 *
 * @param id The session's id, for the event; `undefined` where there is none.
 * @throws {@link StoreError} the store failed or the deadline passed; then the call may still take effect.
 */
export type StoreCall = <T>(
  operation: StoreOperation,
  id: string | undefined,
  run: (store: Store) => Promise<T>,
) => Promise<T>

const OUTCOMES: ReadonlySet<unknown> = new Set<SaveResult['outcome']>([
  'saved',
  'gone',
  'superseded',
  'unexpected',
  'too-large',
])

/**
 * Saves within the deadline. A store that answers with anything but an outcome has not said that it saved.
 *
 * @throws {@link StoreError} as {@link StoreCall}.
 */
export function save(call: StoreCall, id: string, change: SessionChange, now: EpochMs): Promise<SaveResult> {
  return call('save', id, async (store) => {
    const result: Partial<SaveResult> | undefined = await store.save(id, change, now)
    if (!OUTCOMES.has(result?.outcome)) throw new Error('the store answered a save with no outcome')
    return result as SaveResult // just checked
  })
}
