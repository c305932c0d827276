import pg from 'pg'
import { startPostgres } from '../test/servers/postgres.ts'
import { CROWD, type Database } from './database.ts'
import { databaseCpu } from './database-cpu.ts'

/** Starts a PostgreSQL that loses nothing of what it has committed. */
export async function startPostgresDatabase(): Promise<Database> {
  const server = await startPostgres(18, { isDurable: true })
  const client = new pg.Client({ connectionString: server.url })
  client.on('error', () => {}) // the server stops while it is connected
  await client.connect()
  const { rows } = await client.query('show server_version')
  return {
    title: `PostgreSQL ${rows[0].server_version}`,
    url: server.url,
    fill: () => fillTables(client),
    cpu: async () => databaseCpu(new URL(server.url).port),
    async logBytes() {
      const { rows } = await client.query("select pg_current_wal_lsn() - '0/0'::pg_lsn as log")
      return Number(rows[0].log)
    },
    stop: () => server.stop(),
  }
}

async function fillTables(client: pg.Client): Promise<void> {
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
  if (rows[0].count === 0 || rows[0].count >= CROWD) return
  const copies = Math.ceil(CROWD / rows[0].count)
  await client.query(`
    insert into ${table} (${key}, ${columns}) select gen_random_uuid()::text, ${columns} from ${table}, generate_series(1, ${copies})`)
  await client.query(`vacuum analyze ${table}`)
}
