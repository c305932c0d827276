import type { EpochMs, SessionRecord } from '../store.ts'
import { Batch, type Entry } from './batch.ts'
import { Gate } from './gate.ts'
import { isWrongType } from './redis-errors.ts'
import type { RedisKeys } from './redis-keys.ts'
import { toRecord } from './redis-record.ts'
import type { RedisRunner } from './redis-runner.ts'

interface Read {
  readonly id: string
  readonly now: EpochMs
  readonly deadline: number
}

type ReadEntry = Entry<Read, SessionRecord | undefined>

/** Finds records by id, those asked for at the same time together. */
export class RedisReads {
  readonly #runner: RedisRunner
  readonly #keys: RedisKeys
  readonly #batch: Batch<Read, SessionRecord | undefined>

  constructor(runner: RedisRunner, keys: RedisKeys) {
    this.#runner = runner
    this.#keys = keys
    this.#batch = new Batch({
      // No bound: a server that is silent would keep the places, and the reads of all others waiting.
      gate: new Gate(Number.POSITIVE_INFINITY),
      maxSize: 500,
      keyOf: ({ id }) => id,
      fold: (_waiting, next) => next,
      send: async (batch) => void (await Promise.all(batch.map((entry) => this.#settle(entry)))),
    })
  }

  get(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    return this.#batch.add({ id, now, deadline: this.#runner.newDeadline() })
  }

  /** Each is answered by its own clock. */
  async #settle({ key: id, request, parts }: ReadEntry): Promise<void> {
    try {
      const record = await this.#read(id, request.deadline)
      for (const { request, resolve } of parts) {
        resolve(record !== undefined && request.now < record.expiresAt ? record : undefined)
      }
    } catch (error) {
      for (const { reject } of parts) reject(error)
    }
  }

  async #read(id: string, deadline: number): Promise<SessionRecord | undefined> {
    try {
      const reply = await this.#runner.command('hgetall', this.#keys.record(id), [], {
        deadline,
        repeat: 'always',
      })
      return toRecord(id, reply)
    } catch (error) {
      if (isWrongType(error)) return undefined
      throw error
    }
  }
}
