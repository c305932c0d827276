import { ConfigError } from '../errors.ts'
import { chunksOf } from '../internal/chunks.ts'
import { durationProblem } from '../internal/durations.ts'
import { checkStorable, isStorableText } from '../internal/json.ts'
import { pageOf } from '../internal/list-order.ts'
import { Pending } from '../internal/pending.ts'
import { hearErrors, type RedisClient, toLookAgain, toSend } from '../internal/redis-client.ts'
import { isWrongType } from '../internal/redis-errors.ts'
import { RedisIndex } from '../internal/redis-index.ts'
import { RedisKeys } from '../internal/redis-keys.ts'
import { RedisReads } from '../internal/redis-reads.ts'
import { LISTING_FIELDS, toFacts, toListing, toPairs, toSecret } from '../internal/redis-record.ts'
import { RedisRunner, type RunOptions } from '../internal/redis-runner.ts'
import { toSaveArguments, toSaved } from '../internal/redis-save.ts'
import { createScripts, type Scripts } from '../internal/redis-scripts.ts'
import { refuseUnknown } from '../internal/refuse-unknown.ts'
import { StoreAttempts } from '../internal/store-attempts.ts'
import type {
  EpochMs,
  ListPage,
  SaveResult,
  SessionChange,
  SessionListing,
  SessionRecord,
  Store,
  Touch,
} from '../store.ts'

export type {
  Ioredis,
  NodeRedis,
  NodeRedisCluster,
  NodeRedisSentinel,
  RedisClient,
} from '../internal/redis-client.ts'

/** Where a {@link RedisStore} keeps its sessions. */
export interface RedisStoreOptions {
  /**
   * A client of node-redis, ioredis or iovalkey, as it is: of one server, of a Cluster, or one that Sentinel tells its
   * server. It stays yours: the store never closes it, but adds a listener for `error` to one that has none.
   */
  readonly client: RedisClient
  /** What all keys begin with. Two stores under one prefix are one store. (default: `"coatcheck:"`) */
  readonly prefix?: string | undefined
  /** Seconds that one operation of the store may take. (default: 4) */
  readonly timeout?: number | undefined
}

const DEFAULT_TIMEOUT = 4

/** Records that one step of a cleanup ends, at most. */
const CLEANUP_STEP = 500

/**
 * Keeps sessions in Redis 6.2 or later, or in Valkey.
 *
 * A record is one hash, and every write to it one script, so that nothing comes between a check and what depends on it.
 * No command touches two keys: a Cluster serves it like a single server. Every key is freed by the server some time
 * after its last possible use, whether or not cleanup runs.
 *
 * Reads that arrive while one is under way go together; one that comes alone goes at once.
 */
export class RedisStore implements Store {
  readonly #runner: RedisRunner
  readonly #scripts: Scripts
  readonly #keys: RedisKeys
  readonly #index: RedisIndex
  readonly #reads: RedisReads
  readonly #attempts = new StoreAttempts()
  /** What no caller waits for. */
  readonly #afterwards = new Pending()
  /** Where the next cleanup goes on. */
  #nextDueSet = 0

  /** Sends nothing. @throws {@link ConfigError} an option is missing, unknown or cannot work. */
  constructor(options: RedisStoreOptions) {
    const { client, prefix = 'coatcheck:', timeout = DEFAULT_TIMEOUT, ...unknown } = options
    refuseUnknown('RedisStore', unknown)
    const send = toSend(client)
    const problem = prefixProblem(prefix) ?? durationProblem('timeout', timeout)
    if (problem !== undefined) throw new ConfigError(problem)

    hearErrors(client)
    this.#runner = new RedisRunner(send, timeout, toLookAgain(client))
    this.#scripts = createScripts()
    this.#keys = new RedisKeys(prefix)
    this.#index = new RedisIndex(this.#runner, this.#scripts, this.#keys)
    this.#reads = new RedisReads(this.#runner, this.#keys)
  }

  async create(record: SessionRecord, now: EpochMs): Promise<boolean> {
    return this.#attempts.run('create', async () => {
      checkStorable(record.id, record.userId, record.address, record.userAgent)
      const deadline = this.#runner.newDeadline()
      await Promise.all([
        this.#index.addDue(record.id, record.expiresAt, deadline),
        record.userId !== '' &&
          this.#index.addToUser(record.userId, record.id, record.absoluteEnd - now, deadline),
      ])
      const args = [now, toFacts(record), ...toPairs(record)]
      const options = { deadline, repeat: 'undone' } as const
      const reply = await this.#runner.script(
        this.#scripts.create,
        this.#keys.record(record.id),
        args,
        options,
      )
      if (record.userId !== '') this.#later(this.#index.tidyUser(record.userId, deadline))
      return Number(reply) === 1
    })
  }

  async get(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    if (!isStorableText(id)) return undefined
    return this.#attempts.run('get', () => this.#reads.get(id, now))
  }

  async save(id: string, change: SessionChange, now: EpochMs): Promise<SaveResult> {
    if (!isStorableText(id)) return { outcome: 'gone' }
    return this.#attempts.run('save', async () => {
      const deadline = this.#runner.newDeadline()
      const signIn = change.renewal?.signIn
      checkStorable(signIn?.userId, signIn?.address, signIn?.userAgent)
      if (signIn !== undefined) {
        await this.#index.addToUser(signIn.userId, id, signIn.absoluteEnd - now, deadline)
      }
      const isMerge = change.expect === undefined && change.renewal === undefined
      const options = { deadline, repeat: isMerge ? 'always' : 'undone' } as const
      const args = toSaveArguments(change, now)
      const reply = await this.#runner.script(this.#scripts.save, this.#keys.record(id), args, options)
      if (signIn !== undefined) this.#later(this.#index.tidyUser(signIn.userId, deadline))
      const { result, isFirstOfMinute } = toSaved(id, reply)
      if (result.outcome === 'saved' && isFirstOfMinute) this.#listAgain(result.record, now, deadline)
      return result
    })
  }

  async touch(id: string, to: Touch, now: EpochMs): Promise<boolean> {
    if (!isStorableText(id)) return false
    return this.#attempts.run('touch', async () => {
      const deadline = this.#runner.newDeadline()
      const args = [now, toSecret(to.secretHash), to.lastSeenAt, to.expiresAt]
      const options = { deadline, repeat: 'always' } as const
      const reply = await this.#runner.script(this.#scripts.touch, this.#keys.record(id), args, options)
      if (!Array.isArray(reply)) return false
      const [userId = '', absoluteEnd] = reply.map(String)
      this.#listAgain({ id, userId, absoluteEnd: Number(absoluteEnd) }, now, deadline)
      return true
    })
  }

  async delete(id: string, only?: { readonly userId: string }): Promise<boolean> {
    if (!isStorableText(id) || only?.userId === '' || !isStorableText(only?.userId ?? '')) return false
    return this.#attempts.run('delete', async () => {
      const deadline = this.#runner.newDeadline()
      const options = { deadline, repeat: 'always' } as const
      const userId = await this.#delete(id, only?.userId, options)
      if (userId) this.#later(this.#index.removeFromUser(userId, [id], deadline))
      return userId !== undefined
    })
  }

  async listByUser(userId: string, now: EpochMs, page?: ListPage): Promise<readonly SessionListing[]> {
    if (userId === '' || !isStorableText(userId)) return []
    return this.#attempts.run('listByUser', async () => {
      const deadline = this.#runner.newDeadline()
      const listings = new Map<string, SessionListing | undefined>()
      const read = async (id: string) => void listings.set(id, await this.#readListing(id, deadline))
      for (const ids of chunksOf(await this.#index.idsOfUser(userId, deadline)))
        await Promise.all(ids.map(read))

      const absent = [...listings].filter(([, listing]) => listing === undefined).map(([id]) => id)
      if (absent.length > 0) this.#later(this.#index.dropFromUser(userId, absent, deadline))
      const found = [...listings.values()].filter((listing) => listing !== undefined)
      const isListed = (listing: SessionListing) => listing.userId === userId && now < listing.expiresAt
      return pageOf(found.filter(isListed), page)
    })
  }

  async deleteByUser(
    userId: string,
    options?: { readonly except?: string | undefined },
  ): Promise<readonly string[]> {
    if (userId === '' || !isStorableText(userId)) return []
    return this.#attempts.run('deleteByUser', async () => {
      const deadline = this.#runner.newDeadline()
      const deleted: string[] = []
      // Not repeated after a lost connection: the ids that were deleted already would be missing.
      const end = async (id: string) => {
        const owner = await this.#delete(id, userId, { deadline, repeat: 'undone' })
        if (owner !== undefined) deleted.push(id)
      }
      const ids = await this.#index.idsOfUser(userId, deadline)
      for (const some of chunksOf(ids.filter((id) => id !== options?.except))) {
        const before = deleted.length
        await Promise.all(some.map(end))
        // Now, so that a call after one that ran out of time has less to do.
        this.#later(this.#index.removeFromUser(userId, deleted.slice(before), deadline))
      }
      return deleted
    })
  }

  /** Frees what expired records left in the indexes, and those of the records that the server has not freed by itself. */
  async cleanup(now: EpochMs, limit: number): Promise<number> {
    return this.#attempts.run('cleanup', async () => {
      const sets = this.#keys.allDue()
      let freed = 0
      for (let left = sets.length; left > 0 && freed < limit; left--) {
        const set = sets[this.#nextDueSet] ?? ''
        // Before it is asked: a set whose server is down must not keep the others waiting.
        this.#nextDueSet = (this.#nextDueSet + 1) % sets.length
        freed += await this.#cleanUp(set, now, limit - freed)
      }
      return freed
    })
  }

  async serverTime(): Promise<EpochMs> {
    return this.#attempts.run('serverTime', async () => {
      const options = { deadline: this.#runner.newDeadline(), repeat: 'always' } as const
      const reply = await this.#runner.script(this.#scripts.time, this.#keys.due(''), [], options)
      const [seconds, micros] = (reply as unknown[]).map(Number) // TIME's two numbers
      return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
    })
  }

  /** Waits for what is under way. `client` stays open: it is yours. */
  async close(): Promise<void> {
    await this.#attempts.whenIdle()
    await this.#afterwards.settle()
  }

  /** @returns the user whose it was; `undefined`: there was none, or it is not `only`'s. */
  async #delete(id: string, only: string | undefined, options: RunOptions): Promise<string | undefined> {
    const reply = await this.#runner.script(
      this.#scripts.delete,
      this.#keys.record(id),
      [only ?? ''],
      options,
    )
    if (typeof reply !== 'string') return undefined
    this.#later(this.#index.removeDue(id, options.deadline))
    return reply
  }

  /** Adds a session to its user's index, where it is already: but a failover may have lost it. */
  #listAgain(
    { id, userId, absoluteEnd }: Pick<SessionRecord, 'id' | 'userId' | 'absoluteEnd'>,
    now: EpochMs,
    deadline: number,
  ): void {
    if (userId !== '') this.#later(this.#index.addToUser(userId, id, absoluteEnd - now, deadline))
  }

  async #readListing(id: string, deadline: number): Promise<SessionListing | undefined> {
    try {
      const options = { deadline, repeat: 'always' } as const
      const held = await this.#runner.command('hmget', this.#keys.record(id), LISTING_FIELDS, options)
      return toListing(id, held)
    } catch (error) {
      if (isWrongType(error)) return undefined
      throw error
    }
  }

  /** @returns how many it freed; fewer than `limit`: no more of this set are due. */
  async #cleanUp(set: string, now: EpochMs, limit: number): Promise<number> {
    for (let freed = 0; ; ) {
      const deadline = this.#runner.newDeadline()
      const most = Math.min(CLEANUP_STEP, limit - freed)
      const ids = await this.#index.dueIn(set, now, most, deadline)
      const ended = await Promise.all(ids.map((id) => this.#expire(set, id, now, deadline)))
      freed += ended.filter(Boolean).length
      if (ids.length === 0 || freed === limit) return freed
    }
  }

  /** Ends a record that a set has due, unless it was used meanwhile. @returns whether it freed what was left of it. */
  async #expire(set: string, id: string, now: EpochMs, deadline: number): Promise<boolean> {
    const options = { deadline, repeat: 'undone' } as const
    const reply = await this.#runner.script(this.#scripts.expire, this.#keys.record(id), [now], options)
    const [state, detail] = (reply as unknown[]).map(String) // what the script says
    if (state === 'live') {
      await this.#index.moveDue(set, id, Number(detail), deadline)
      return false
    }
    if (state === 'ended' && detail) await this.#index.removeFromUser(detail, [id], deadline)
    return await this.#index.removeDue(id, deadline, set) // else what a wrong set has would be due for ever
  }

  /** Does what no answer depends on: what an index names too much is found out by whoever reads it. */
  #later(work: Promise<unknown>): void {
    void this.#afterwards.add(work.catch(() => undefined))
  }
}

function prefixProblem(prefix: unknown): string | undefined {
  const isText = typeof prefix === 'string' && isStorableText(prefix) && prefix.length <= 200
  return isText ? undefined : 'prefix must be a text of at most 200 characters'
}
