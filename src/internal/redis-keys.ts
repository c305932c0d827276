/** Sets that hold when records are due, so that none grows too large and a Cluster shares them out. A power of two. */
const DUE_SETS = 64

/** The keys of one store. What stands in braces decides which server of a Cluster has the key. */
export class RedisKeys {
  readonly #prefix: string

  /**
   * Braces in the prefix would put all keys on one server of a Cluster, and with `au` as prefix a record would be where
   * the index of a user is with `a`: both are written in another way.
   */
  constructor(prefix: string) {
    this.#prefix = prefix.replaceAll(/[%{}]|[ud]$/g, toEscape)
  }

  /** A hash: see redis-record.ts. */
  record(id: string): string {
    return `${this.#prefix}{${id}}`
  }

  /** A sorted set: ids of this user's sessions, by when each was last added. */
  user(userId: string): string {
    return `${this.#prefix}u{${userId}}`
  }

  /** A sorted set: ids of records, by when each was to end at its creation. */
  due(id: string): string {
    return this.#due(Number.parseInt(id.slice(0, 2), 16) & (DUE_SETS - 1))
  }

  /** Every key that {@link due} can give. */
  allDue(): readonly string[] {
    return Array.from({ length: DUE_SETS }, (_, set) => this.#due(set))
  }

  #due(set: number): string {
    return `${this.#prefix}d{${set}}`
  }
}

function toEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
