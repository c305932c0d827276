import { ValueError } from '../errors.ts'
import type { EpochMs, SaveResult, SessionChange, SessionRecord, Touch } from '../store.ts'
import { Batch, type Entry } from './batch.ts'
import { checkStorable } from './json.ts'
import type { Row } from './postgres-connection.ts'
import { mayBeOneMembers } from './postgres-errors.ts'
import { foldMerges, isPlain, type Merge, toRemovedText, toSetText } from './postgres-merge.ts'
import { PostgresOrder } from './postgres-order.ts'
import { toArrayText, toRecord } from './postgres-record.ts'
import type { PostgresRunner } from './postgres-runner.ts'

interface Move {
  readonly id: string
  readonly to: Touch
  readonly now: EpochMs
  readonly deadline: number
}

/**
 * Changes records. Merges and touches travel in batches, which lock no row that another transaction holds;
 * whatever a batch could not do, and everything else, is one statement for one record.
 */
export class PostgresWrites {
  readonly #runner: PostgresRunner
  /** What is under way, so that a renewal, `update()` or delete goes after the record's earlier changes. */
  readonly #changes = new PostgresOrder()
  /** One single statement at a time for each record: a locked record holds up one connection, not all. */
  readonly #singles = new PostgresOrder()
  readonly #merges: Batch<Merge, SaveResult>
  readonly #touches: Batch<Move, boolean>

  constructor(runner: PostgresRunner) {
    this.#runner = runner
    const gate = runner.batches
    this.#merges = new Batch({
      gate,
      maxSize: 250,
      keyOf: ({ id }) => id,
      fold: foldMerges,
      send: (batch) => this.#sendMerges(batch),
    })
    this.#touches = new Batch({
      gate,
      maxSize: 500,
      keyOf: ({ id }) => id,
      fold: foldMoves,
      send: (batch) => this.#sendTouches(batch),
    })
  }

  async create(record: SessionRecord): Promise<boolean> {
    const rows = await this.#runner.run(this.#runner.statements.create, toCreateValues(record), {
      deadline: this.#runner.newDeadline(),
      gate: this.#runner.writes,
      repeat: 'undone',
    })
    return rows.length === 1
  }

  save(id: string, change: SessionChange, now: EpochMs): Promise<SaveResult> {
    const merge: Merge = { id, change, now, deadline: this.#runner.newDeadline(), saves: 1 }
    return isPlain(change)
      ? this.#changes.note(id, this.#merges.add(merge))
      : this.#changes.after(id, () => this.#saveAlone(merge))
  }

  touch(id: string, to: Touch, now: EpochMs): Promise<boolean> {
    return this.#changes.note(id, this.#touches.add({ id, to, now, deadline: this.#runner.newDeadline() }))
  }

  delete(id: string, userId: string | undefined): Promise<boolean> {
    const { statements, writes: gate } = this.#runner
    const deadline = this.#runner.newDeadline()
    const send = async () => {
      const rows = await this.#runner.run(statements.delete, [id, userId ?? null], {
        deadline,
        gate,
        repeat: 'always',
      })
      return rows.length === 1
    }
    return this.#changes.after(id, () => this.#singles.after(id, send))
  }

  #saveAlone({ id, change, now, deadline }: Merge): Promise<SaveResult> {
    const { statements, writes: gate } = this.#runner
    const repeat = isPlain(change) ? 'always' : 'undone'
    return this.#singles.after(id, async () => {
      const rows = await this.#runner.run(statements.save, toSaveValues(id, change, now), {
        deadline,
        gate,
        repeat,
      })
      return rows[0] === undefined ? { outcome: 'gone' } : toSaveResult(rows[0])
    })
  }

  #touchAlone({ id, to, now, deadline }: Move): Promise<boolean> {
    const { statements, writes: gate } = this.#runner
    const values = [id, to.secretHash, now, to.lastSeenAt, to.expiresAt]
    return this.#singles.after(id, async () => {
      const rows = await this.#runner.run(statements.touch, values, { deadline, gate, repeat: 'always' })
      return rows.length === 1
    })
  }

  async #sendMerges(batch: readonly Entry<Merge, SaveResult>[]): Promise<void> {
    const alone = (merge: Merge) => this.#saveAlone(merge)
    const merges = batch.map(({ request }) => request)
    const values = toMergeValues(merges)
    const rows = await this.#runInBatch(this.#runner.statements.mergeMany, values, merges)
    if (rows === undefined) return askAlone(batch, alone)

    const byId = new Map(rows.map((row) => [row.asked, row]))
    for (const entry of batch) {
      const row = byId.get(entry.key)
      if (row === undefined || (entry.parts.length > 1 && row.outcome !== 'saved')) askAlone([entry], alone)
      else settle(entry, () => toSaveResult(row))
    }
  }

  async #sendTouches(batch: readonly Entry<Move, boolean>[]): Promise<void> {
    const alone = (move: Move) => this.#touchAlone(move)
    const moves = batch.map(({ request }) => request)
    const rows = await this.#runInBatch(this.#runner.statements.touchMany, toTouchValues(moves), moves)
    if (rows === undefined) return askAlone(batch, alone)

    const byId = new Map(rows.map((row) => [row.id, row.is_live === 'true']))
    for (const entry of batch) {
      const isLive = byId.get(entry.key)
      if (isLive === undefined || (entry.parts.length > 1 && !isLive)) askAlone([entry], alone)
      else settle(entry, () => isLive)
    }
  }

  /** @returns `undefined`: one of the batch may be why it failed, and nothing was written. */
  async #runInBatch(
    statement: PostgresRunner['statements']['mergeMany'],
    values: unknown[],
    batch: readonly { readonly deadline: number }[],
  ): Promise<readonly Row[] | undefined> {
    const deadline = Math.max(...batch.map((it) => it.deadline))
    try {
      return await this.#runner.run(statement, values, { deadline, repeat: 'lost' })
    } catch (error) {
      if (mayBeOneMembers(error)) return undefined
      throw error
    }
  }
}

/** Moves two touches of one record and secret at once, as far as the further of them goes. */
function foldMoves(waiting: Move, next: Move): Move | undefined {
  if (waiting.to.secretHash !== next.to.secretHash) return undefined
  return {
    id: waiting.id,
    now: Math.max(waiting.now, next.now),
    deadline: next.deadline,
    to: {
      secretHash: next.to.secretHash,
      lastSeenAt: Math.max(waiting.to.lastSeenAt, next.to.lastSeenAt),
      expiresAt: Math.max(waiting.to.expiresAt, next.to.expiresAt),
    },
  }
}

function settle<A>({ parts }: Entry<unknown, A>, toAnswer: () => A): void {
  try {
    const answer = toAnswer()
    for (const { resolve } of parts) resolve(answer)
  } catch (error) {
    for (const { reject } of parts) reject(error)
  }
}

/** The batch does not wait for these: one of them may wait for a lock. */
function askAlone<Q, A>(entries: readonly Entry<Q, A>[], ask: (request: Q) => Promise<A>): void {
  for (const { request, resolve, reject } of entries.flatMap(({ parts }) => parts)) {
    void ask(request).then(resolve, reject)
  }
}

const REFUSALS = ['gone', 'superseded', 'unexpected', 'too-large'] as const

function toSaveResult(row: Row): SaveResult {
  if (row.outcome === 'saved') return { outcome: 'saved', record: toRecord(row) }
  const outcome = REFUSALS.find((it) => it === row.outcome)
  if (outcome === undefined) throw new ValueError('a save of a stored session has no readable outcome')
  return { outcome }
}

/** Text as SQL takes it. */
function storable(text: string | undefined): string | null {
  checkStorable(text)
  return text ?? null
}

function toCreateValues(record: SessionRecord): unknown[] {
  return [
    storable(record.id),
    storable(record.userId),
    record.values,
    record.createdAt,
    record.expiresAt,
    record.signedInAt ?? null,
    record.renewedAt,
    record.lastSeenAt,
    record.absoluteEnd,
    String(record.version),
    String(record.persistent),
    String(record.idleTimeout),
    record.secretHash,
    storable(record.address),
    storable(record.userAgent),
  ]
}

function toSaveValues(id: string, change: SessionChange, now: EpochMs): unknown[] {
  const { expect, renewal } = change
  const signIn = renewal?.signIn
  return [
    id,
    change.secretHash,
    now,
    change.maxValuesBytes,
    String(change.clear === true),
    toRemovedText(change),
    toSetText(change),
    change.lastSeenAt,
    change.expiresAt,
    storable(expect?.key),
    expect?.value ?? null,
    renewal?.secretHash ?? null,
    renewal?.renewedAt ?? null,
    storable(signIn?.userId),
    signIn?.signedInAt ?? null,
    signIn === undefined ? null : String(signIn.idleTimeout),
    signIn?.absoluteEnd ?? null,
    signIn === undefined ? null : String(signIn.persistent),
    storable(signIn?.address),
    storable(signIn?.userAgent),
  ]
}

function toMergeValues(merges: readonly Merge[]): unknown[] {
  const numbers = (read: (merge: Merge) => number | boolean) => `{${merges.map(read).join(',')}}`
  return [
    toArrayText(merges.map(({ id }) => id)),
    toArrayText(merges.map(({ change }) => change.secretHash)),
    numbers(({ now }) => now),
    numbers(({ change }) => change.maxValuesBytes),
    numbers(({ change }) => change.clear === true),
    toArrayText(merges.map(({ change }) => toRemovedText(change))),
    toArrayText(merges.map(({ change }) => toSetText(change))),
    numbers(({ change }) => change.lastSeenAt),
    numbers(({ change }) => change.expiresAt),
    numbers(({ saves }) => saves),
  ]
}

function toTouchValues(moves: readonly Move[]): unknown[] {
  const numbers = (read: (move: Move) => number) => `{${moves.map(read).join(',')}}`
  return [
    toArrayText(moves.map(({ id }) => id)),
    toArrayText(moves.map(({ to }) => to.secretHash)),
    numbers(({ now }) => now),
    numbers(({ to }) => to.lastSeenAt),
    numbers(({ to }) => to.expiresAt),
  ]
}
