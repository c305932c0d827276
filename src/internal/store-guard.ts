import { SessionError, StoreError } from '../errors.ts'
import type { EpochMs, Store } from '../store.ts'
import { toMs } from './durations.ts'
import type { Emit } from './observer.ts'

/** The methods of a store that answer a request. */
export type StoreOperation = Exclude<keyof Store, 'close'>

/** Makes sure that no request waits longer for the store than `storeTimeout`, whoever wrote it. */
export class StoreGuard {
  readonly #store: Store
  readonly #timeout: number
  readonly #clock: () => EpochMs
  readonly #emit: Emit | undefined

  /** @param timeout Seconds. */
  constructor(store: Store, timeout: number, clock: () => EpochMs, emit: Emit | undefined) {
    this.#store = store
    this.#timeout = timeout
    this.#clock = clock
    this.#emit = emit
  }

  /** Begins one piece of work: all calls made through what it returns share one deadline. */
  begin(): StoreCall {
    const endsAt = performance.now() + toMs(this.#timeout)
    return async (operation, id, run) => {
      try {
        return await this.#before(endsAt, operation, run)
      } catch (error) {
        const failure = error instanceof SessionError ? error : new StoreError(operation, error)
        this.#emit?.({ type: 'store-failed', at: new Date(this.#clock()), operation, error: failure, id })
        throw failure
      }
    }
  }

  #before<T>(endsAt: number, operation: StoreOperation, run: (store: Store) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new StoreError(operation, new Error(`no answer within ${this.#timeout} s`)))
      const left = endsAt - performance.now()
      if (left <= 0) return late()
      const timer = setTimeout(late, left)
      void this.#answer(run)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }

  // Async, so that a store that throws at once is like one that rejects.
  async #answer<T>(run: (store: Store) => Promise<T>): Promise<T> {
    return run(this.#store)
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
