/** Between two looks at the clock. */
const TICK_MS = 10

/** Milliseconds by which what is bounded by timers may exceed them, on any machine, once {@link Lateness} is taken off. */
export const SLACK_MS: number = 1000

/**
 * How late the timers of this process are, added up: what a busy machine adds to every wait, by leaving the process
 * without a processor or by long turns of its event loop.
 */
export class Lateness {
  readonly #timer: NodeJS.Timeout
  #late = 0
  #dueAt = performance.now() + TICK_MS

  constructor() {
    this.#timer = setInterval(() => this.#look(), TICK_MS)
  }

  /** Begins to measure. @returns what tells the milliseconds since then, without those that the machine added. */
  measure(): () => number {
    const [began, lateBefore] = [performance.now(), this.#total]
    return () => performance.now() - began - (this.#total - lateBefore)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  get #total(): number {
    return this.#late + this.#now
  }

  /** How late the timer is that has not gone off yet. */
  get #now(): number {
    return Math.max(0, performance.now() - this.#dueAt)
  }

  #look(): void {
    this.#late += this.#now
    this.#dueAt = performance.now() + TICK_MS
  }
}
