import type { EpochMs, SessionRecord } from '../store.ts'
import { Batch, type Entry } from './batch.ts'
import type { Row } from './postgres-connection.ts'
import { toArrayText, toRecord } from './postgres-record.ts'
import type { PostgresRunner } from './postgres-runner.ts'

interface Read {
  readonly id: string
  readonly now: EpochMs
  readonly deadline: number
}

type ReadEntry = Entry<Read, SessionRecord | undefined>

/** Finds records by id, those asked for at the same time by one statement. */
export class PostgresReads {
  readonly #runner: PostgresRunner
  readonly #batch: Batch<Read, SessionRecord | undefined>

  constructor(runner: PostgresRunner) {
    this.#runner = runner
    this.#batch = new Batch({
      gate: runner.reads,
      maxSize: 500,
      keyOf: ({ id }) => id,
      fold: (_waiting, next) => next,
      send: (batch) => this.#send(batch),
    })
  }

  get(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    return this.#batch.add({ id, now, deadline: this.#runner.newDeadline() })
  }

  async #send(batch: readonly ReadEntry[]): Promise<void> {
    const rows = new Map((await this.#query(batch)).map((row) => [row.id, row]))
    for (const entry of batch) settle(entry, rows.get(entry.key))
  }

  #query(batch: readonly ReadEntry[]): Promise<readonly Row[]> {
    const { get, getMany } = this.#runner.statements
    const ids = batch.map(({ key }) => key)
    const deadline = Math.max(...batch.map(({ request }) => request.deadline))
    return ids.length === 1
      ? this.#runner.run(get, ids, { deadline, repeat: 'always' })
      : this.#runner.run(getMany, [toArrayText(ids)], { deadline, repeat: 'always' })
  }
}

/** Each is answered by its own clock. A record that cannot be read fails those who asked for it. */
function settle({ parts }: ReadEntry, row: Row | undefined): void {
  try {
    const record = row === undefined ? undefined : toRecord(row)
    for (const { request, resolve } of parts) {
      resolve(record !== undefined && request.now < record.expiresAt ? record : undefined)
    }
  } catch (error) {
    for (const { reject } of parts) reject(error)
  }
}
