import { LONGEST_TIMER_MS } from './durations.ts'
import { isBrokenStatementName } from './postgres-errors.ts'
import { keepsRequestsApart } from './runtime.ts'
import { sha256Hex } from './sha256.ts'
import { within } from './within.ts'

/** Anything that runs SQL: a `pg` Pool, Client or PoolClient, PGlite, or a wrapper of a few lines around another driver. */
export interface PostgresDatabase {
  /** Runs one statement with its parameters, `$1` and on. @returns the rows, as objects by column name. */
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** One SQL statement, whole. */
export interface Statement {
  /** Name to prepare it under; `undefined`: it is not worth keeping. */
  readonly name: string | undefined
  readonly text: string
}

/** A row of text columns; SQL's null is `null`. */
export type Row = Readonly<Record<string, string | null>>

/**
 * @internal Writes down a statement. Its name is made from its text: behind a pooler a name may reach a server
 * connection on which another version of this package, or another table's store, has prepared it.
 */
export function aStatement(verb: string, text: string): Statement {
  const digest = sha256Hex(text).slice(0, 24)
  return { name: `coatcheck_${verb}_${digest}`, text }
}

/** What `pg` takes in place of a text. */
interface PgQuery {
  readonly text: string
  readonly values: unknown[]
  readonly name: string | undefined
  readonly types: { getTypeParser(): (value: unknown) => string }
}

interface PgResult {
  readonly rows: readonly unknown[]
}

/** As much of a `pg` Pool or Client as is used here. */
interface PgDatabase {
  /** @param query With milliseconds, after which it fails; a Pool then closes its connection, a Client does not. */
  query(query: PgQuery & { readonly query_timeout: number | undefined }): Promise<PgResult>
}

/** As much of a connection of a `pg` Pool as is used here. */
interface PgPoolClient extends Pick<PgConnecting, 'connection'> {
  query(query: PgQuery, values: undefined, callback: (error: Error | null, result: PgResult) => void): void
  once(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  /** With an error, the connection is closed; without, it goes back to the pool. */
  release(error?: Error | null): void
}

/** As much of a `pg` Client as is used here while it connects. */
interface PgConnecting {
  /** Absent in `pg-native`. */
  readonly connection?: { readonly stream: { destroy(): void } }
  connect(callback: (error?: Error) => void): unknown
}

/** As much of a `pg` Pool as is used here. */
interface PgPool extends PgDatabase {
  readonly options: { readonly max?: number; readonly connectionTimeoutMillis?: number | undefined }
  /** Of what its connections are made. */
  Client?: new (
    options: object,
  ) => PgConnecting
  connect(callback: (error: Error | undefined, client: PgPoolClient | undefined) => void): unknown
  listenerCount(event: 'error'): number
  on(event: 'error', listener: () => void): unknown
}

// No import of pg: who uses PGlite has none. Both marks have been there since pg 7 and are inherited by what is
// derived from pg, like Neon's driver. PGlite and postgres.js have neither.
function isPgPool(db: object): db is PgPool {
  return 'totalCount' in db && 'idleCount' in db && 'options' in db && 'listenerCount' in db
}

function isPgClient(db: object): db is PgDatabase {
  return 'escapeIdentifier' in db && 'connection' in db
}

// Every column leaves SQL as text; an application's own parser for text, or binary results, must not matter.
const asText: PgQuery['types'] = { getTypeParser: () => String }

/** Pools of other drivers are taken for as large as `pg`'s default. */
const USUAL_POOL_SIZE = 10

/** How long a pool's connection may take to be made: `pg` lets it take for ever. */
const CONNECT_TIMEOUT_MS = 10_000

/** How long the driver has to give up a statement by itself, before the caller is told that it failed. */
const GRACE_MS = 250

/** Runs statements on the user's database, within a deadline, whatever the driver. */
export class PostgresConnection {
  /** How many statements may be under way at once. One: they would wait for each other anyway. */
  readonly size: number
  readonly #db: PostgresDatabase
  readonly #ask: ((query: PgQuery, deadline: number) => Promise<PgResult>) | undefined
  #usesNames: boolean
  /** Statements that the driver still has, although their callers have been told that they failed. */
  #abandoned = 0

  constructor(db: PostgresDatabase) {
    this.#db = db
    if (isPgPool(db)) {
      // Whoever has put a query method of his own on the pool, a tracer for one, sees every statement.
      this.#ask = (query, deadline) =>
        Object.hasOwn(db, 'query') ? askByItself(db, query, deadline) : askPool(db, query, deadline)
      // An 'error' of an idle connection that nobody listens for ends the process: when the database restarts,
      // for one. The pool has dropped that connection by then; the next statement opens another.
      if (db.listenerCount('error') === 0) db.on('error', () => {})
      limitConnecting(db)
    } else if (isPgClient(db)) this.#ask = (query, deadline) => askByItself(db, query, deadline)
    this.#usesNames = this.#ask !== undefined
    this.size = sizeOf(db)
  }

  /**
   * Runs one statement.
   *
   * @param deadline When to give it up, by `performance.now()`; `Infinity`: never.
   */
  async run(statement: Statement, values: unknown[], deadline: number): Promise<readonly Row[]> {
    const remaining = deadline - performance.now()
    if (remaining <= 0) throw notSent('others took all of its time')
    // Or they would pile up in the driver for as long as the database, or what else uses the pool, takes.
    if (this.#abandoned >= this.size) throw notSent('earlier ones still wait for a connection')
    const usesNames = this.#usesNames
    const work = this.#query(statement, values, deadline, usesNames)
    // For what no driver limits: the wait for a connection, and drivers that have no timeout.
    try {
      return await within(remaining + GRACE_MS, work, () => this.#abandon(work))
    } catch (error) {
      if (!usesNames || !isBrokenStatementName(error)) throw error
      // PgBouncer before 1.21 in transaction mode. The server refused the name and ran nothing.
      this.#usesNames = false
      return await this.run(statement, values, deadline)
    }
  }

  async #query(
    { name, text }: Statement,
    values: unknown[],
    deadline: number,
    usesNames: boolean,
  ): Promise<readonly Row[]> {
    const { rows } =
      this.#ask === undefined
        ? await this.#db.query(text, values)
        : await this.#ask({ text, values, name: usesNames ? name : undefined, types: asText }, deadline)
    return rows as readonly Row[] // every column of every statement is cast to text
  }

  #abandon(work: Promise<unknown>): void {
    if (keepsRequestsApart()) return // there, work whose request is gone never ends
    this.#abandoned += 1
    const isBack = () => {
      this.#abandoned -= 1
    }
    work.then(isBack, isBack)
  }
}

function notSent(why: string): Error {
  return new Error(`the statement was not sent: ${why}`)
}

/** Leaves the deadline to the driver: a Pool closes the connection of a statement that is late, so that its place is free again. */
function askByItself(db: PgDatabase, query: PgQuery, deadline: number): Promise<PgResult> {
  const query_timeout = Number.isFinite(deadline) ? Math.ceil(deadline - performance.now()) : undefined
  return db.query({ ...query, query_timeout })
}

/**
 * What `pool.query` does, but a statement that has waited for its connection past its deadline is not sent: who
 * asked has been told that it failed, and may have asked again. And its timeout is ours: with that of `pg` V8 keeps every result
 * until the next full collection (measured: a tenth of what a read costs the process).
 */
function askPool(pool: PgPool, query: PgQuery, deadline: number): Promise<PgResult> {
  return new Promise((resolve, reject) => {
    pool.connect((refusal, client) => {
      if (client === undefined) return reject(refusal ?? new Error('the pool gave no connection'))
      if (performance.now() >= deadline) {
        client.release()
        return reject(notSent('others took all of its time'))
      }
      let isDone = false
      const end = (error: Error | null, result?: PgResult) => {
        if (isDone) return
        isDone = true
        clearTimeout(timer)
        client.removeListener('error', end)
        client.release(error)
        if (result === undefined) reject(error ?? new Error('the driver gave no result'))
        else resolve(result)
      }
      const timer = setTimer(deadline, () => {
        end(new Error('the statement took all of its time'))
        client.connection?.stream.destroy() // the pool asks the server to end it, which may not answer
      })
      client.once('error', end)
      try {
        client.query(query, undefined, end)
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)))
      }
    })
  })
}

/** @param at By `performance.now()`; `Infinity`: never. */
function setTimer(at: number, ring: () => void): NodeJS.Timeout | undefined {
  const delay = at - performance.now()
  return Number.isFinite(delay) ? setTimeout(ring, Math.min(delay, LONGEST_TIMER_MS)) : undefined
}

const LIMITED: unique symbol = Symbol.for('coatcheck.limited') as never // one for all copies of this module

/**
 * Gives a connection that a pool opens an end, unless its owner has. One that went silent before it was ready would
 * keep its place for ever: ten of them, and the application would have to be restarted. The pool's own option
 * would limit the waiting for a free connection as well, in the application's own statements too.
 */
function limitConnecting(pool: PgPool): void {
  const { Client, options } = pool
  if (Client === undefined || LIMITED in Client || options.connectionTimeoutMillis !== undefined) return
  pool.Client = class extends Client {
    static readonly [LIMITED] = true

    override connect(callback: (error?: Error) => void): unknown {
      const timer = setTimeout(() => this.connection?.stream.destroy(), CONNECT_TIMEOUT_MS)
      timer.unref?.() // as in batch.ts
      return super.connect((error) => {
        clearTimeout(timer)
        callback(error)
      })
    }
  }
}

function sizeOf(db: PostgresDatabase): number {
  if (isPgPool(db)) return db.options.max ?? USUAL_POOL_SIZE
  // PGlite has one connection, and pg will no longer queue statements on a client.
  return isPgClient(db) || 'waitReady' in db ? 1 : USUAL_POOL_SIZE
}
