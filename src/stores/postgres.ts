import { ConfigError } from '../errors.ts'
import { durationProblem } from '../internal/durations.ts'
import { isStorableText } from '../internal/json.ts'
import { PostgresConnection, type PostgresDatabase } from '../internal/postgres-connection.ts'
import { createMigration } from '../internal/postgres-migration.ts'
import { PostgresReads } from '../internal/postgres-reads.ts'
import { toListing } from '../internal/postgres-record.ts'
import { PostgresRunner } from '../internal/postgres-runner.ts'
import { createStatements, type TableName } from '../internal/postgres-statements.ts'
import { PostgresWrites } from '../internal/postgres-writes.ts'
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

export type { PostgresDatabase } from '../internal/postgres-connection.ts'

/** Where a {@link PostgresStore} keeps its sessions. */
export interface PostgresStoreOptions {
  /**
   * A `pg` Pool, Client or PoolClient, or PGlite, as it is. Another driver takes a few lines; postgres.js:
   *
   * ```ts
   * const sql = postgres(url)
   * const db = { query: async (text, values) => ({ rows: await sql.unsafe(text, values) }) }
   * ```
   *
   * On `pg` the store uses named statements, unless the first one shows that a pooler in between cannot carry
   * them. To a Pool that has none it adds a listener for `error`, and an end, of 10 seconds, for connections
   * that do not come about.
   */
  readonly db: PostgresDatabase
  /** Name of the table: letters, digits and underscores, at most 63, not a digit first. (default: `"sessions"`) */
  readonly table?: string | undefined
  /** Name of its schema, by the same rule. The connection's search_path has no say. (default: `"public"`) */
  readonly schema?: string | undefined
  /** Seconds that one request to the database may take. (default: 4) */
  readonly timeout?: number | undefined
}

const DEFAULT_TIMEOUT = 4

/** PostgreSQL cuts longer names; quoting is for case and reserved words, not for what is in them. */
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

/**
 * Keeps sessions in a table of PostgreSQL 14 or later.
 *
 * Once {@link migrate} has run, it needs only SELECT, INSERT, UPDATE and DELETE on that table. It keeps
 * nothing on the connection, so that PgBouncer may stand in between, in transaction mode too.
 *
 * Reads, saves and touches that arrive while one of their kind is under way go together in the next statement;
 * one that comes alone goes at once.
 */
export class PostgresStore implements Store {
  readonly #connection: PostgresConnection
  readonly #table: TableName
  readonly #runner: PostgresRunner
  readonly #reads: PostgresReads
  readonly #writes: PostgresWrites
  readonly #attempts = new StoreAttempts()

  /** Opens no connection. @throws {@link ConfigError} an option is missing, unknown or cannot work. */
  constructor(options: PostgresStoreOptions) {
    const { db, table = 'sessions', schema = 'public', timeout = DEFAULT_TIMEOUT, ...unknown } = options
    refuseUnknown('PostgresStore', unknown)
    checkDatabase(db)
    checkIdentifier('table', table)
    checkIdentifier('schema', schema)
    const problem = durationProblem('timeout', timeout)
    if (problem !== undefined) throw new ConfigError(problem)

    this.#connection = new PostgresConnection(db)
    this.#table = { schema, table }
    this.#runner = new PostgresRunner(this.#connection, createStatements(this.#table), timeout)
    this.#reads = new PostgresReads(this.#runner)
    this.#writes = new PostgresWrites(this.#runner)
  }

  /**
   * Creates the table and its indexes, in a schema that it creates as well if need be, or brings those of an
   * earlier version up to date and keeps their sessions.
   *
   * Call it on each start, from as many processes as there are: the first one works, the others wait for it.
   * Where all is in place it takes no lock and needs no more privileges than the store itself. It happens whole
   * or not at all, so it can be called again after a failure.
   *
   * An index of your own on `expires_at` makes every touch cost twice the write-ahead log.
   *
   * @throws {@link StoreError} the database refused; `cause` says why. Nothing was changed.
   */
  async migrate(): Promise<void> {
    const migration = createMigration(this.#table)
    // An index over a large table takes its time, so this has no deadline.
    await this.#attempts.run('migrate', () => this.#connection.run(migration, [], Number.POSITIVE_INFINITY))
  }

  async create(record: SessionRecord, _now: EpochMs): Promise<boolean> {
    return this.#attempts.run('create', () => this.#writes.create(record))
  }

  get(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    if (!isStorableText(id)) return Promise.resolve(undefined)
    return this.#attempts.run('get', () => this.#reads.get(id, now))
  }

  async save(id: string, change: SessionChange, now: EpochMs): Promise<SaveResult> {
    if (!isStorableText(id)) return { outcome: 'gone' }
    return this.#attempts.run('save', () => this.#writes.save(id, change, now))
  }

  async touch(id: string, to: Touch, now: EpochMs): Promise<boolean> {
    if (!isStorableText(id)) return false
    return this.#attempts.run('touch', () => this.#writes.touch(id, to, now))
  }

  async delete(id: string, only?: { readonly userId: string }): Promise<boolean> {
    if (!isStorableText(id) || only?.userId === '' || !isStorableText(only?.userId ?? '')) return false
    return this.#attempts.run('delete', () => this.#writes.delete(id, only?.userId))
  }

  async listByUser(userId: string, now: EpochMs, page?: ListPage): Promise<readonly SessionListing[]> {
    if (userId === '' || !isStorableText(userId)) return []
    return this.#attempts.run('listByUser', async () => {
      const { statements, reads: gate } = this.#runner
      const deadline = this.#runner.newDeadline()
      const values = [userId, now, ...toPageValues(page)]
      const rows = await this.#runner.run(statements.listByUser, values, { deadline, gate, repeat: 'always' })
      return rows.map(toListing)
    })
  }

  async deleteByUser(
    userId: string,
    options?: { readonly except?: string | undefined },
  ): Promise<readonly string[]> {
    if (userId === '' || !isStorableText(userId)) return []
    return this.#attempts.run('deleteByUser', async () => {
      const { statements, writes: gate } = this.#runner
      const values = [userId, options?.except ?? null]
      const deadline = this.#runner.newDeadline()
      // Not repeated after a lost connection: the ids that the first one deleted would be missing.
      const rows = await this.#runner.run(statements.deleteByUser, values, {
        deadline,
        gate,
        repeat: 'undone',
      })
      return rows.map(({ id }) => String(id))
    })
  }

  async cleanup(now: EpochMs, limit: number): Promise<number> {
    return this.#attempts.run('cleanup', async () => {
      const { statements, writes: gate } = this.#runner
      const deadline = this.#runner.newDeadline()
      const rows = await this.#runner.run(statements.cleanup, [now, String(limit)], {
        deadline,
        gate,
        repeat: 'undone',
      })
      return Number(rows[0]?.count)
    })
  }

  async serverTime(): Promise<EpochMs> {
    return this.#attempts.run('serverTime', async () => {
      const { statements, reads: gate } = this.#runner
      const deadline = this.#runner.newDeadline()
      const rows = await this.#runner.run(statements.serverTime, [], { deadline, gate, repeat: 'always' })
      return Number(rows[0]?.now)
    })
  }

  /** Waits for what is under way. `db` stays open: it is yours. */
  async close(): Promise<void> {
    await this.#attempts.whenIdle()
  }
}

/** The limit and the place behind which a page begins, as the statement takes them; null: none. */
function toPageValues(page: ListPage | undefined): (string | null)[] {
  if (page === undefined) return [null, null, null]
  const { limit, after } = page
  return [String(limit), after === undefined ? null : String(after.lastSeenAt), after?.id ?? null]
}

function checkDatabase(db: unknown): void {
  const isDatabase = db instanceof Object && 'query' in db && typeof db.query === 'function'
  if (!isDatabase) throw new ConfigError('db must have a method query(text, values): a pg Pool, for one')
}

function checkIdentifier(option: string, value: unknown): void {
  if (typeof value === 'string' && IDENTIFIER.test(value)) return
  throw new ConfigError(
    `${option} must be a name of letters, digits and underscores, at most 63, that does not begin with a digit`,
  )
}
