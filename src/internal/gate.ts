/** Lets a limited number of requests be under way at once; the others wait in the order in which they came. */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(size: number) {
    this.#free = size
  }

  /** Takes a place if one is free. Each must be given back with {@link leave}. */
  tryEnter(): boolean {
    if (this.#free === 0) return false
    this.#free -= 1
    return true
  }

  /** Calls back once, as soon as the caller has a place. */
  whenEntered(enter: () => void): void {
    if (this.tryEnter()) enter()
    else this.#waiting.push(enter)
  }

  /** Gives a place back: to who has waited longest. */
  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }

  /** Runs something in a place of its own. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.tryEnter()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      this.leave()
    }
  }
}
