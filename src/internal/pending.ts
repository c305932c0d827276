import { keepsRequestsApart } from './runtime.ts'

/** Counts work under way, so that a closing process can wait for it. */
export class Pending {
  #count = 0
  readonly #whenIdle: (() => void)[] = []

  /** Each call is followed by one of {@link end}, however the work went. */
  begin(): void {
    this.#count += 1
  }

  end(): void {
    this.#count -= 1
    if (this.#count === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  /** @returns the promise that was given. */
  add<T>(work: Promise<T>): Promise<T> {
    this.begin()
    const end = () => this.end()
    work.then(end, end)
    return work
  }

  /** Waits until nothing is under way, work included that begins meanwhile. Never rejects. */
  async settle(): Promise<void> {
    // There, work whose request is gone is never over.
    if (keepsRequestsApart()) return
    while (this.#count > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }
}
