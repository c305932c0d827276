import type { StoreError } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { FIRST_TABLE } from '../races/older-version.ts'
import { createDatabase } from '../servers/postgres.ts'
import { print } from './counts.ts'
import { settled, useKilledProcesses } from './killed-process.ts'
import { aPool } from './stage.ts'

/** What there is before the migration. */
const CASES = [
  { before: 'no table', sql: 'select' },
  {
    before: 'a table of the first version',
    sql: `${FIRST_TABLE};
      insert into sessions (id, user_id, values, created_at, expires_at)
      select 'session' || n, 'user' || n % 5,
        jsonb_build_object('n', n), '2026-01-01', '2036-01-01'
      from generate_series(1, 100) as n`,
  },
]

/** Columns and indexes of the table, as they are declared. */
const SHAPE = `
  select format('%s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)) as part
  from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where attrelid = to_regclass('sessions') and attnum > 0 and not attisdropped
  union all
  select pg_get_indexdef(indexrelid) from pg_index where indrelid = to_regclass('sessions')
  order by part`

/** Ends its own connection when a migration has come to a certain step of those that change what is declared. */
const BREAK_OFF = `
  create sequence step minvalue -1000;
  create function break_off() returns event_trigger language plpgsql as
    $$ begin if nextval('step') = 0 then perform pg_terminate_backend(pg_backend_pid()); end if; end $$;
  create event trigger break_off_before on ddl_command_start execute function break_off();
  create event trigger break_off_after on ddl_command_end execute function break_off()`

/** What is declared of the table, and the sessions in it. */
interface Found {
  readonly shape: readonly unknown[]
  readonly sessions: readonly unknown[]
}

async function look(db: pg.Pool): Promise<Found> {
  const { rows: shape } = await db.query(SHAPE)
  if (shape.length === 0) return { shape, sessions: [] }
  const { rows } = await db.query(
    "select id, user_id, values, created_at::text, expires_at::text from sessions where id like 'session%' order by id",
  )
  return { shape, sessions: rows }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(sql)
  await client.end()
}

describe('a migration that is broken off', () => {
  const processes = useKilledProcesses()

  async function aDatabase(sql: string): Promise<string> {
    const url = await createDatabase(processes().serverUrl)
    await execute(url, sql)
    return url
  }

  /** What there is before, and after a migration that nothing breaks off. */
  async function lookAtBoth(sql: string): Promise<{ readonly original: Found; readonly whole: Found }> {
    const pool = aPool(await aDatabase(sql))
    const original = await look(pool)
    await new PostgresStore({ db: pool }).migrate()
    return { original, whole: await look(pool) }
  }

  it.each(CASES)(
    'of $before, by SIGKILL: it is there whole or not at all, and another completes it',
    async (given) => {
      const { original, whole } = await lookAtBoth(given.sql)
      expect(whole.sessions).toEqual(original.sessions)
      const steps = await processes().endEverywhere({
        scenario: 'migrate',
        prepare: (url) => execute(url, given.sql),
        async check(url, _cookie, when) {
          const pool = aPool(url)
          await settled(pool)
          expect(await look(pool)).toEqual(when === 'before' ? original : whole)
          await new PostgresStore({ db: pool }).migrate()
          expect(await look(pool)).toEqual(whole)
        },
      })
      print(`killed in a migration of ${given.before}`, [`${steps} statements`])
      expect(steps).toBe(1)
    },
  )

  it.each(CASES)(
    'of $before, between two of its steps: nothing is there, and another completes it',
    async (given) => {
      const { original, whole } = await lookAtBoth(given.sql)
      const url = await aDatabase(`${given.sql}; ${BREAK_OFF}`)
      const [pool, administrator] = [aPool(url), aPool(url)]
      const store = new PostgresStore({ db: pool })
      const isBrokenOff = () =>
        store.migrate().then(
          () => false,
          ({ cause }: StoreError) => /terminating connection|Connection terminated/.test(String(cause)),
        )
      const comeTo = (step: number) => administrator.query("select setval('step', $1)", [-step - 1])
      let steps = 0
      for (await comeTo(0); await isBrokenOff(); await comeTo(steps)) {
        expect(await look(administrator)).toEqual(original)
        steps += 1
      }
      expect(await look(administrator)).toEqual(whole)
      print(`a migration of ${given.before} broken off`, [`at ${steps} places`, `0 half`])
      expect(steps).toBeGreaterThanOrEqual(8)
    },
  )
})
