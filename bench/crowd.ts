import type pg from 'pg'

/** Rows of each table: of a small one PostgreSQL reads the whole, in place of its index. */
const ROWS = 100_000

/** Fills each table that the servers have made with copies of the sessions in it, under other ids. */
export async function fillTables(client: pg.Client): Promise<void> {
  for (const table of ['bench_coatcheck', 'bench_limit', 'bench_peer']) {
    const { rows } = await client.query(
      `select min(attname) filter (where attnum = 1) as key,
        string_agg(attname, ', ') filter (where attnum > 1) as columns
      from pg_attribute
      where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = ''`,
      [table],
    )
    const { key, columns }: { key: string | null; columns: string } = rows[0]
    if (key !== null) await fill(client, table, key, columns)
  }
}

async function fill(client: pg.Client, table: string, key: string, columns: string): Promise<void> {
  const { rows } = await client.query(`select count(*)::int as count from ${table}`)
  if (rows[0].count === 0 || rows[0].count >= ROWS) return
  const copies = Math.ceil(ROWS / rows[0].count)
  await client.query(`
    insert into ${table} (${key}, ${columns}) select gen_random_uuid()::text, ${columns} from ${table}, generate_series(1, ${copies})`)
  await client.query(`vacuum analyze ${table}`)
}
