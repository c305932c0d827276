import { Gate } from './gate.ts'
import type { PostgresConnection, Row, Statement } from './postgres-connection.ts'
import { isLostConnection, wasRolledBack } from './postgres-errors.ts'
import type { Statements } from './postgres-statements.ts'
import { keepsRequestsApart } from './runtime.ts'

/**
 * Which failed statements are sent once more, within the deadline. `always`: also after a lost connection, when
 * nobody knows whether it took effect. `undone`: only where the server says that it did not. `lost`: only after
 * a lost connection.
 */
export type Repeat = 'always' | 'undone' | 'lost'

/** How a statement runs. */
export interface RunOptions {
  /** When to give it up, by `performance.now()`. */
  readonly deadline: number
  readonly repeat: Repeat
  /** Waits for a place here first. `undefined`: the caller has one. */
  readonly gate?: Gate
}

/** Runs the statements of one store, a limited number at once. */
export class PostgresRunner {
  readonly statements: Statements
  /** Reads have places of their own, so that no lock that a write waits for ever stops a read. */
  readonly reads: Gate
  /** Batches of writes wait for no lock, and so not behind those that do. */
  readonly batches: Gate
  readonly writes: Gate
  readonly #connection: PostgresConnection
  readonly #timeoutMs: number

  /** @param timeout Seconds. */
  constructor(connection: PostgresConnection, statements: Statements, timeout: number) {
    this.#connection = connection
    this.statements = statements
    this.#timeoutMs = timeout * 1000
    // Who waits at a gate is let in by another request. One connection is one request's own.
    const isOpen = connection.size > 1 && keepsRequestsApart()
    const [reads, batches, writes] = toGates(isOpen ? Number.POSITIVE_INFINITY : connection.size)
    this.reads = reads
    this.batches = batches
    this.writes = writes
  }

  /** When something that was asked for just now is to be given up. */
  newDeadline(): number {
    return performance.now() + this.#timeoutMs
  }

  async run(statement: Statement, values: unknown[], options: RunOptions): Promise<readonly Row[]> {
    const { gate } = options
    return gate === undefined
      ? await this.#runTwice(statement, values, options)
      : await gate.run(() => this.#runTwice(statement, values, options))
  }

  async #runTwice(
    statement: Statement,
    values: unknown[],
    { deadline, repeat }: RunOptions,
  ): Promise<readonly Row[]> {
    try {
      return await this.#connection.run(statement, values, deadline)
    } catch (error) {
      if (performance.now() >= deadline || !isWorthRepeating(error, repeat)) throw error
      return await this.#connection.run(statement, values, deadline)
    }
  }
}

function isWorthRepeating(error: unknown, repeat: Repeat): boolean {
  switch (repeat) {
    case 'always':
      return wasRolledBack(error) || isLostConnection(error)
    case 'undone':
      return wasRolledBack(error)
    case 'lost':
      return isLostConnection(error)
  }
}

/** Shares out the connections, of a usual pool of 10: four to reads, two to batches of writes, four to single writes. */
function toGates(size: number): [reads: Gate, batches: Gate, writes: Gate] {
  if (size === Number.POSITIVE_INFINITY) return [new Gate(size), new Gate(size), new Gate(size)]
  const reads = new Gate(Math.min(8, Math.max(1, Math.floor(size * 0.4))))
  if (size === 1) return [reads, reads, reads]
  const batches = new Gate(Math.min(4, Math.max(1, Math.floor(size * 0.2))))
  if (size === 2) return [reads, batches, batches]
  return [reads, batches, new Gate(Math.min(8, Math.max(1, Math.floor(size * 0.4))))]
}
