/** What a bag can hold. */
export interface Member {
  /** Its place in the bag that it is in; -1: it is in none. The bag's own. */
  place: number
}

/**
 * Holds what is under way, in no order. To put something in and to take it out costs the same however much there is. The
 * last fills each gap of a list; it is no Set: see decision 015.
 */
export class Bag<T extends Member> {
  readonly #members: T[] = []

  get members(): readonly T[] {
    return this.#members
  }

  add(member: T): void {
    member.place = this.#members.push(member) - 1
  }

  /** @returns whether it was there. */
  remove(member: T): boolean {
    const { place } = member
    const last = place === -1 ? undefined : this.#members.pop()
    if (last === undefined) return false
    if (last !== member) {
      this.#members[place] = last
      last.place = place
    }
    member.place = -1
    return true
  }
}
