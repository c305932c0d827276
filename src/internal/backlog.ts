import { keepsRequestsApart } from './runtime.ts'

/** So many may wait for a server that does not answer; the others are refused at once. */
const MOST = 4000

/** A server that leaves so many waiting and answers none of them for this long does not answer. */
const SILENCE_MS = 1000

/**
 * Counts what waits for a server, and refuses more where it would only wait to fail. While the server answers,
 * however slowly, nothing is refused. Nor is it where the runtime keeps its requests apart: a request that is gone would be
 * counted for ever.
 */
export class Backlog {
  #waiting = 0
  #answers = 0
  #isWatched = false
  #isSilent = false
  readonly #isOff = keepsRequestsApart()

  /** Each call that does not throw is followed by one of {@link leave}. @throws too many wait already. */
  enter(): void {
    if (this.#isOff) return
    if (this.#waiting >= MOST) {
      if (this.#isSilent)
        throw new Error(`${this.#waiting} others wait already, and the server answers nobody`)
      this.#watch()
    }
    this.#waiting += 1
  }

  leave(wasAnswered: boolean): void {
    this.#waiting -= 1
    if (!wasAnswered) return
    this.#answers += 1
    this.#isSilent = false
  }

  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    const answers = this.#answers
    const judge = () => {
      this.#isWatched = false
      this.#isSilent = this.#answers === answers
    }
    // Judged after the sockets were read: where this process itself was busy, the answers may lie there.
    const timer = setTimeout(() => setImmediate(judge), SILENCE_MS)
    timer.unref?.() // as in batch.ts
  }
}
