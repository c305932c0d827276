import type { EpochMs, Store } from '../store.ts'
import { LONGEST_TIMER_MS, toMs } from './durations.ts'
import type { Emit } from './observer.ts'
import type { Pending } from './pending.ts'
import type { StoreGuard } from './store-guard.ts'

/** Records that one statement deletes at most, so that none holds up others for long. */
const BATCH = 1000
/** Two clocks that differ by more than this are worth an event. */
const MAX_SKEW_MS = 60_000

/** What a cleaner takes. */
export interface Cleaning {
  readonly store: Store
  readonly guard: StoreGuard
  readonly clock: () => EpochMs
  /** Whether `clock` is the process's own, to be compared with the server's. */
  readonly usesSystemClock: boolean
  /** Seconds between two cleanups; 0: never by itself. */
  readonly interval: number
  readonly emit: Emit | undefined
  /** Told of every cleanup, so that a closing manager can wait for it. */
  readonly pending: Pending
}

/** Deletes expired records, when asked and by itself. */
export class Cleaner {
  readonly #kit: Cleaning
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(kit: Cleaning) {
    this.#kit = kit
  }

  /** Begins to clean at intervals. Called by every request; the first one counts. */
  start(): void {
    if (this.#timer !== undefined || this.#isStopped || this.#kit.interval === 0) return
    // Jitter keeps the processes of a deployment apart.
    const pause = Math.min(toMs(this.#kit.interval) * (0.8 + 0.4 * Math.random()), LONGEST_TIMER_MS)
    this.#timer = setTimeout(() => void this.#cleanAndGoOn(), pause)
    // Bun and workerd answer with other timers than Node; a timer must never keep a process alive.
    this.#timer.unref?.()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** @returns how many records were deleted. */
  clean(): Promise<number> {
    return this.#kit.pending.add(this.#clean())
  }

  async #clean(): Promise<number> {
    const now = await this.#safeNow()
    let total = 0
    for (let count = BATCH; count === BATCH; total += count) {
      const call = this.#kit.guard.begin()
      count = await call('cleanup', undefined, (store) => store.cleanup(now, BATCH))
    }
    this.#kit.emit?.({ type: 'cleaned', at: new Date(this.#kit.clock()), count: total })
    return total
  }

  async #cleanAndGoOn(): Promise<void> {
    // The guard has told of a failure already; the next round tries again.
    await this.clean().catch(() => undefined)
    this.#timer = undefined
    this.start()
  }

  // By one clock alone, a server whose clock is a day ahead deletes sessions that live another day.
  async #safeNow(): Promise<EpochMs> {
    const { store, guard, clock, usesSystemClock, emit } = this.#kit
    const now = clock()
    if (store.serverTime === undefined || !usesSystemClock) return now
    const call = guard.begin()
    const serverNow = await call(
      'serverTime',
      undefined,
      (asked) => asked.serverTime?.() ?? Promise.resolve(now),
    )
    const skew = now - serverNow
    if (Math.abs(skew) > MAX_SKEW_MS) emit?.({ type: 'clock-skew', at: new Date(now), seconds: skew / 1000 })
    return Math.min(now, serverNow)
  }
}
