import { keepsRequestsApart } from './runtime.ts'

/**
 * Knows, by record, what is under way, and lets something run after all of it. Where the runtime keeps its requests
 * apart nothing waits: the database puts what changes one record in a row.
 */
export class PostgresOrder {
  readonly #underWay = new Map<string, Promise<unknown>>()
  readonly #waits = !keepsRequestsApart()

  /** Notes work on a record, which is not made to wait. */
  note<T>(id: string, work: Promise<T>): Promise<T> {
    if (!this.#waits) return work
    const settled = work.then(ignore, ignore)
    const earlier = this.#underWay.get(id)
    const all = earlier === undefined ? settled : Promise.all([earlier, settled])
    this.#underWay.set(id, all)
    void all.then(() => {
      if (this.#underWay.get(id) === all) this.#underWay.delete(id)
    })
    return work
  }

  /** Starts work on a record once all that was noted before has settled, however it did. */
  after<T>(id: string, work: () => Promise<T>): Promise<T> {
    const earlier = this.#underWay.get(id)
    return this.note(id, earlier === undefined ? work() : earlier.then(work))
  }
}

function ignore(): void {}
