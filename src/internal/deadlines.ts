import { LONGEST_TIMER_MS } from './durations.ts'

/** Somebody who has until an instant to be answered. */
export interface Waiting {
  /** By `performance.now()`. */
  readonly endsAt: number
  /** Called at most once, if no answer came by then. */
  late(): void
  /** Its place among those who wait; -1: it does not wait (any more). */
  place: number
}

/**
 * Tells those who wait when their time is up. One timer serves all, because one for each costs a request 1 µs
 * (measured). A list in which the last fills each gap, and no Set: see decision 015.
 */
export class Deadlines {
  readonly #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined
  /** When the timer goes off. */
  #ringsAt = Number.POSITIVE_INFINITY

  add(waiting: Waiting): void {
    waiting.place = this.#waiting.push(waiting) - 1
    if (waiting.endsAt < this.#ringsAt) this.#setTimer(waiting.endsAt)
    else if (waiting.place === 0) this.#timer?.ref?.()
  }

  /** @returns whether it still waited. */
  remove(waiting: Waiting): boolean {
    const { place } = waiting
    const last = place === -1 ? undefined : this.#waiting.pop()
    if (last === undefined) return false
    if (last !== waiting) {
      this.#waiting[place] = last
      last.place = place
    }
    waiting.place = -1
    if (this.#waiting.length > 0) return true
    // Or a process that has nothing else to do would stay for the timer. Some runtimes cannot be told.
    if (this.#timer?.unref === undefined) this.stop()
    else this.#timer.unref()
    return true
  }

  /** Leaves no timer behind, if nobody waits. */
  stop(): void {
    if (this.#waiting.length > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#ringsAt = Number.POSITIVE_INFINITY
  }

  #setTimer(ringsAt: number): void {
    clearTimeout(this.#timer)
    this.#ringsAt = ringsAt
    const delay = Math.max(1, Math.ceil(ringsAt - performance.now()))
    this.#timer = setTimeout(() => this.#ring(), Math.min(delay, LONGEST_TIMER_MS))
  }

  #ring(): void {
    this.#timer = undefined
    this.#ringsAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const waiting of this.#waiting.filter(({ endsAt }) => endsAt <= now)) {
      if (this.remove(waiting)) waiting.late()
    }
    const next = this.#waiting.reduce((earliest, { endsAt }) => Math.min(earliest, endsAt), this.#ringsAt)
    if (next < this.#ringsAt) this.#setTimer(next)
  }
}
