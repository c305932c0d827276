import { randomBytes } from 'node:crypto'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'

const DAY = 86_400_000
const SESSIONS = 5_000 * scale

/** 250 bytes, in three keys. */
const values = JSON.stringify({ theme: 'dark', language: 'en-GB', notice: 'x'.repeat(203) })

/** Of a browser of today, used for the first time a tenth of a second after the one before. */
function aSession(n: number) {
  const seen = NOW + n * 100
  return aRecord({
    ...{ values, createdAt: seen, renewedAt: seen, lastSeenAt: seen },
    ...{ expiresAt: seen + DAY, absoluteEnd: seen + 30 * DAY, idleTimeout: DAY / 1000 },
    secretHash: randomBytes(32).toString('hex'),
  })
}

function aSignedIn(n: number, userId: string) {
  return {
    ...{ ...aSession(n), userId, signedInAt: NOW + n * 100, address: '203.0.113.77' },
    userAgent:
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  }
}

let pool: pg.Pool

beforeAll(async () => {
  pool = new pg.Pool({ connectionString: await createDatabase(inject('postgres')[18]) })
})

afterAll(() => pool.end())

/** Bytes of a row and of its entry in each index, with the room that pages keep. */
async function sizes(table: string): Promise<Record<string, number>> {
  await pool.query(`vacuum ${table}`)
  const { rows } = await pool.query<{ name: string; size: number }>(
    `select relname as name, pg_relation_size(oid)::float8 / $2 as size from pg_class
     where oid = $1::regclass or oid in (select indexrelid from pg_index where indrelid = $1::regclass)
     union all select 'all', pg_total_relation_size($1::regclass)::float8 / $2`,
    [table, SESSIONS],
  )
  return Object.fromEntries(rows.map(({ name, size }) => [name, Math.round(size)]))
}

it.each([
  { of: 'signed in, a user each', make: (n: number) => aSignedIn(n, `user-${n}`), atMost: 800 },
  { of: 'signed in, four of a user', make: (n: number) => aSignedIn(n, `user-${n >> 2}`), atMost: 770 },
  { of: 'of nobody', make: aSession, atMost: 630 },
])('a session takes so many bytes: $of', async ({ of, make, atMost }) => {
  const store = new PostgresStore({ db: pool, timeout: 60 })
  await store.migrate()
  await pool.query('truncate sessions')
  for (let n = 0; n < SESSIONS; n += 500)
    await Promise.all(Array.from({ length: 500 }, (_, i) => store.create(make(n + i), NOW)))
  const each = await sizes('sessions')
  console.log(`${SESSIONS} sessions, ${values.length} bytes of values, ${of}: ${JSON.stringify(each)}`)
  expect(each.all).toBeLessThan(atMost)
})
