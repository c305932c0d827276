import { SessionError, StoreError } from '../errors.ts'
import type { Store } from '../store.ts'
import { Backlog } from './backlog.ts'
import { keepsRequestsApart } from './runtime.ts'

/** The operations that take no lock. */
const READS: ReadonlySet<string> = new Set<keyof Store>(['get', 'listByUser', 'serverTime'])

/** Everything that a store does passes through here: the one place where a driver's error gets its wrapping. */
export class StoreAttempts {
  /** Apart, because a lock may stop all writes and no read. */
  readonly #reading = new Backlog()
  readonly #writing = new Backlog()
  #underWay = 0
  readonly #whenIdle: (() => void)[] = []

  /**
   * With callbacks in place of `await`, because every read passes here, and what an async function keeps of itself costs
   * more to collect than all else that happens here.
   *
   * @throws {@link StoreError} with what `work` failed with as its cause; a {@link SessionError} as it is.
   */
  run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const backlog = READS.has(operation) ? this.#reading : this.#writing
    try {
      backlog.enter()
    } catch (error) {
      return Promise.reject(new StoreError(operation, error))
    }
    this.#underWay += 1
    return begin(work).then(
      (result) => {
        backlog.leave(true)
        this.#end()
        return result
      },
      (error) => {
        backlog.leave(false)
        this.#end()
        throw error instanceof SessionError ? error : new StoreError(operation, error)
      },
    )
  }

  /** Waits for what is under way; not where the runtime keeps its requests apart: as in Pending. */
  async whenIdle(): Promise<void> {
    if (this.#underWay > 0 && !keepsRequestsApart())
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  #end(): void {
    this.#underWay -= 1
    // In a later turn, so that whoever asked has the answer before `whenIdle()` is done.
    if (this.#underWay === 0) for (const resolve of this.#whenIdle.splice(0)) setImmediate(resolve)
  }
}

/** What fails at once is a rejection like any other. */
function begin<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error)
  }
}
