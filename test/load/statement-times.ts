import type pg from 'pg'

/** How long the statements of a pool took, from the call to the answer. */
export interface StatementTimes {
  /** Milliseconds by statement: the first words of its text. */
  readonly taken: Map<string, number[]>
}

/** Takes the time of every statement that goes through this pool from now on. */
export function timeStatements(pool: pg.Pool): StatementTimes {
  const taken = new Map<string, number[]>()
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown> // no callbacks here
  const timed = async (...args: unknown[]): Promise<unknown> => {
    const startedAt = performance.now()
    try {
      return await query(...args)
    } finally {
      const { text } = args[0] as { readonly text: string } // as the store sends it to pg
      const name = text.trim().slice(0, 30)
      taken.set(name, [...(taken.get(name) ?? []), performance.now() - startedAt])
    }
  }
  Object.assign(pool, { query: timed })
  return { taken }
}

/** Median, 99th percentile and longest of some times, in milliseconds. */
export function summary(times: readonly number[]): {
  readonly median: number
  readonly p99: number
  readonly longest: number
} {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0
  return { median: at(0.5), p99: at(0.99), longest: at(1) }
}

/** The same as text. */
export function shown(times: readonly number[]): string {
  const { median, p99, longest } = summary(times)
  return `median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${longest.toFixed(1)} ms`
}

/** Writes sessions as one statement of SQL: a million of them by `create` would take minutes. */
export async function insertSessions(
  pool: pg.Pool,
  options: { readonly count: number; readonly userId: string; readonly endsIn: number },
): Promise<void> {
  await pool.query(
    `insert into sessions (id, user_id, values, created_at, expires_at, signed_in_at, renewed_at, last_seen_at,
       absolute_end, idle_timeout, secret_hash, address, user_agent)
     select gen_random_uuid()::text, $2::text, jsonb_build_object('text', repeat('x', 200)), seen, $3::timestamptz,
       seen, seen, seen, $3::timestamptz + interval '30 days', 86400, sha256(convert_to(i::text, 'utf8')), '192.0.2.7', repeat('u', 100)
     from (select i, date_trunc('milliseconds', now()) - (i % 5000) * interval '1 second' as seen
       from generate_series(1, $1::int) i) s`,
    [options.count, options.userId, new Date(Date.now() + options.endsIn * 1000)],
  )
  await pool.query('vacuum analyze sessions')
}
