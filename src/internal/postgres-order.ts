import { Bag, type Member } from './bag.ts'
import { keepsRequestsApart } from './runtime.ts'

interface Work extends Member {
  /** The record's. */
  readonly id: string
  /** Never rejects. */
  readonly settled: Promise<unknown>
}

/**
 * Knows, by record, what is under way, and lets something run after all of it. Where the runtime keeps its requests
 * apart nothing waits: the database puts what changes one record in a row.
 */
export class PostgresOrder {
  // Every change puts one in, and few look: those compare the ids of all.
  readonly #underWay = new Bag<Work>()
  readonly #waits = !keepsRequestsApart()

  /** Notes work on a record, which is not made to wait. */
  note<T>(id: string, work: Promise<T>): Promise<T> {
    if (!this.#waits) return work
    const end = () => void this.#underWay.remove(noted)
    const noted: Work = { id, settled: work.then(end, end), place: -1 }
    this.#underWay.add(noted)
    return work
  }

  /** Starts work on a record once all that was noted before has settled, however it did. */
  after<T>(id: string, work: () => Promise<T>): Promise<T> {
    const earlier = this.#underWay.members.filter((it) => it.id === id)
    // Who comes next waits for this one, and so for them: if he waited for each, 4,000 would make 8 million promises.
    for (const it of earlier) this.#underWay.remove(it)
    return this.note(
      id,
      earlier.length === 0 ? work() : Promise.all(earlier.map(({ settled }) => settled)).then(work),
    )
  }
}
