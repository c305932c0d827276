import { keepsRequestsApart } from './runtime.ts'

/**
 * Runs tasks of the same key one after the other, and tasks of different keys side by side. Where the runtime keeps
 * its requests apart all run side by side.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>()
  readonly #waits = !keepsRequestsApart()

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    if (!this.#waits) return await task()
    const before = this.#tails.get(key)
    const result = before === undefined ? task() : before.then(task, task)
    this.#tails.set(key, result)
    try {
      return await result
    } finally {
      if (this.#tails.get(key) === result) this.#tails.delete(key)
    }
  }
}
