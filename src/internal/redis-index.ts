import type { EpochMs } from '../store.ts'
import { chunksOf } from './chunks.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { RedisRunner, RunOptions } from './redis-runner.ts'
import { LINGER_MS, type Scripts } from './redis-scripts.ts'

/** Sessions of a user that a sign-in looks at. It adds one, so more than one. */
const LOOKED_AT = 2

/**
 * Finds records by user and by when they are due. A record is where its index says or nowhere, but an index may name a
 * record that has ended: whoever reads an index looks at the record.
 */
export class RedisIndex {
  readonly #runner: RedisRunner
  readonly #scripts: Scripts
  readonly #keys: RedisKeys

  constructor(runner: RedisRunner, scripts: Scripts, keys: RedisKeys) {
    this.#runner = runner
    this.#scripts = scripts
    this.#keys = keys
  }

  /** Adds a session to its user's index, or notes that it was used. Before the record says that it is this user's. */
  async addToUser(userId: string, id: string, lifetimeMs: number, deadline: number): Promise<void> {
    const ttl = Math.ceil(Math.max(0, lifetimeMs)) + LINGER_MS
    await this.#runner.script(this.#scripts.list, this.#keys.user(userId), [id, ttl], always(deadline))
  }

  async idsOfUser(userId: string, deadline: number): Promise<readonly string[]> {
    const reply = await this.#runner.command('zrange', this.#keys.user(userId), ['0', '-1'], always(deadline))
    return (reply as unknown[]).map(String) // a list, under RESP2 and RESP3
  }

  /** Takes sessions that have ended off their user's index. */
  async removeFromUser(userId: string, ids: readonly string[], deadline: number): Promise<void> {
    for (const some of chunksOf(ids))
      await this.#runner.command('zrem', this.#keys.user(userId), some, always(deadline))
  }

  /**
   * Looks at a few sessions of a user's index, whichever. With each sign-in, so that those which the server has freed
   * before a cleanup came do not pile up.
   */
  async tidyUser(userId: string, deadline: number): Promise<void> {
    const reply = await this.#runner.command(
      'zrandmember',
      this.#keys.user(userId),
      [LOOKED_AT],
      always(deadline),
    )
    const ids = (reply as unknown[]).map(String) // as in idsOfUser
    const counts = await Promise.all(
      ids.map((id) => this.#runner.command('exists', this.#keys.record(id), [], always(deadline))),
    )
    await this.dropFromUser(
      userId,
      ids.filter((_, i) => Number(counts[i]) === 0),
      deadline,
    )
  }

  /** Takes ids without a record off a user's index, but for those so new that a sign-in may be about to write it. */
  async dropFromUser(userId: string, ids: readonly string[], deadline: number): Promise<void> {
    for (const some of chunksOf(ids)) {
      await this.#runner.script(this.#scripts.unlist, this.#keys.user(userId), some, always(deadline))
    }
  }

  /** Notes when a record is to end. Touches do not move it: cleanup does, when it finds the record live. */
  async addDue(id: string, expiresAt: EpochMs, deadline: number): Promise<void> {
    await this.#runner.command('zadd', this.#keys.due(id), [expiresAt, id], always(deadline))
  }

  /** @returns whether it was there. Of several that remove it at once, one is told so. */
  async removeDue(id: string, deadline: number, set: string = this.#keys.due(id)): Promise<boolean> {
    return Number(await this.#runner.command('zrem', set, [id], always(deadline))) === 1
  }

  /** Moves what is still noted in a set. */
  async moveDue(set: string, id: string, expiresAt: EpochMs, deadline: number): Promise<void> {
    await this.#runner.command('zadd', set, ['xx', expiresAt, id], always(deadline))
  }

  /** Ids that were noted to end until `now`, of one of the sets. */
  async dueIn(set: string, now: EpochMs, limit: number, deadline: number): Promise<readonly string[]> {
    const reply = await this.#runner.command(
      'zrangebyscore',
      set,
      ['-inf', now, 'limit', '0', limit],
      always(deadline),
    )
    return (reply as unknown[]).map(String) // as in idsOfUser
  }
}

/** Nothing here does harm when it is done twice. */
function always(deadline: number): RunOptions {
  return { deadline, repeat: 'always' }
}
