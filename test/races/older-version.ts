import { randomUUID } from 'node:crypto'
import type pg from 'pg'

/** The table that the system began with. */
export const FIRST_TABLE = `
create table sessions (
  id text primary key,
  user_id text not null default '',
  values jsonb not null default '{}',
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
)`

/** What somebody was told is kept. */
export interface Acknowledged {
  readonly userId: string
  readonly values: Readonly<Record<string, number>>
}

const LIFETIME = "interval '1 hour'"

/** A server of the first version, which knows five columns: it signs in, writes, and signs out, one after the other. */
export class OlderServer {
  /** The sessions that it was told are kept, by id. */
  readonly kept = new Map<string, Acknowledged>()
  /** The sessions that it was told are gone. */
  readonly ended = new Set<string>()
  readonly #pool: pg.Pool
  #answers = 0
  #isOver = false
  #running: Promise<void> = Promise.resolve()

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  start(): void {
    this.#running = this.#serve()
    this.#running.catch(() => {}) // stop() tells of it
  }

  /** How many requests it has answered. */
  get answers(): number {
    return this.#answers
  }

  /** Ends when it is stopped, or rejects with what the database refused. */
  get running(): Promise<void> {
    return this.#running
  }

  /** Waits for the request under way. @throws what the database refused. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #serve(): Promise<void> {
    for (let turn = 0; !this.#isOver; turn += 1) {
      const id = await this.#signIn(turn)
      await this.#write(id, 'a')
      await this.#writeInTransaction(id, 'b')
      if (turn % 3 === 0) await this.#signOut(id)
      this.#answers += 1
    }
  }

  async #signIn(turn: number): Promise<string> {
    const [id, userId] = [randomUUID(), `user${turn % 5}`]
    await this.#pool.query(
      `insert into sessions (id, user_id, values, created_at, expires_at)
      values ($1, $2, '{}', now(), now() + ${LIFETIME})`,
      [id, userId],
    )
    this.kept.set(id, { userId, values: {} })
    return id
  }

  /** As first versions do: the whole of the values, by an upsert. */
  async #write(id: string, key: string): Promise<void> {
    const { userId, values } = this.#acknowledged(id)
    const changed = { ...values, [key]: 1 }
    await this.#pool.query(
      `insert into sessions (id, user_id, values, expires_at) values ($1, $2, $3::jsonb, now() + ${LIFETIME})
      on conflict (id) do update set values = excluded.values, expires_at = excluded.expires_at`,
      [id, userId, JSON.stringify(changed)],
    )
    this.kept.set(id, { userId, values: changed })
  }

  async #writeInTransaction(id: string, key: string): Promise<void> {
    const { userId, values } = this.#acknowledged(id)
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      const { rows } = await client.query('select values from sessions where id = $1 for update', [id])
      const changed = { ...rows[0].values, [key]: 1 }
      await client.query('update sessions set values = $2::jsonb where id = $1', [
        id,
        JSON.stringify(changed),
      ])
      await client.query('commit')
      this.kept.set(id, { userId, values: { ...values, [key]: 1 } })
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
  }

  async #signOut(id: string): Promise<void> {
    await this.#pool.query('delete from sessions where id = $1', [id])
    this.kept.delete(id)
    this.ended.add(id)
  }

  #acknowledged(id: string): Acknowledged {
    const acknowledged = this.kept.get(id)
    if (acknowledged === undefined) throw new Error(`no session ${id}`)
    return acknowledged
  }
}
