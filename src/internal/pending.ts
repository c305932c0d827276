/** Remembers work under way, so that a closing process can wait for it. */
export class Pending {
  readonly #running = new Set<Promise<unknown>>()

  /** @returns the promise that was given. */
  add<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    const forget = () => void this.#running.delete(work)
    work.then(forget, forget)
    return work
  }

  /** Waits until nothing is under way, work included that begins meanwhile. Never rejects. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }
}
