import { Bag, type Member } from './bag.ts'
import { LONGEST_TIMER_MS } from './durations.ts'
import { keepsRequestsApart } from './runtime.ts'

interface Waiting extends Member {
  readonly endsAt: number
  late(): void
}

/**
 * Bounds how long work is waited for. One timer serves all who wait at a time, because one for each costs a request 1 µs
 * (measured).
 */
export class Deadlines {
  readonly #waiting = new Bag<Waiting>()
  #timer: NodeJS.Timeout | undefined
  /** When the timer goes off. */
  #ringsAt = Number.POSITIVE_INFINITY
  /** A timer of one request is of no use to another: each has its own. */
  readonly #areApart = keepsRequestsApart()

  /**
   * Waits for work. What it does after its deadline is nobody's concern.
   *
   * @param endsAt By `performance.now()`.
   * @throws what `late` gives, if the work takes longer.
   */
  wait<T>(work: Promise<T>, endsAt: number, late: () => Error): Promise<T> {
    return this.#areApart ? new Deadlines().#wait(work, endsAt, late) : this.#wait(work, endsAt, late)
  }

  #wait<T>(work: Promise<T>, endsAt: number, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { endsAt, late: () => reject(late()), place: -1 }
      this.#add(waiting)
      work.then(
        (result) => {
          if (this.#remove(waiting)) resolve(result)
        },
        () => {
          if (this.#remove(waiting)) resolve(work)
        },
      )
    })
  }

  #add(waiting: Waiting): void {
    this.#waiting.add(waiting)
    if (waiting.endsAt < this.#ringsAt) this.#setTimer(waiting.endsAt)
  }

  /** @returns whether it still waited. */
  #remove(waiting: Waiting): boolean {
    if (!this.#waiting.remove(waiting)) return false
    if (this.#waiting.members.length === 0) this.#stopTimer()
    return true
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#ringsAt = Number.POSITIVE_INFINITY
  }

  #setTimer(ringsAt: number): void {
    clearTimeout(this.#timer)
    this.#ringsAt = ringsAt
    const delay = Math.max(1, Math.ceil(ringsAt - performance.now()))
    this.#timer = setTimeout(() => this.#ring(), Math.min(delay, LONGEST_TIMER_MS))
  }

  #ring(): void {
    this.#ringsAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const waiting of this.#waiting.members.filter(({ endsAt }) => endsAt <= now)) {
      if (this.#remove(waiting)) waiting.late()
    }
    const next = this.#waiting.members.reduce(
      (earliest, { endsAt }) => Math.min(earliest, endsAt),
      this.#ringsAt,
    )
    if (next < this.#ringsAt) this.#setTimer(next)
  }
}
