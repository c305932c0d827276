// Where the limits keep sessions: `insert(id)`, `readAll(ids)` and `readOne(id)`, which give JSON texts, and
// `change([session, change])`.
import { batched } from './batched.mjs'

const CREATE =
  'create table if not exists bench_limit (id text primary key, values jsonb not null, expires_at timestamptz not null)'
const INSERT = "insert into bench_limit values ($1, $2, now() + interval '30 days')"
const SELECT =
  'select id, values::text as values from bench_limit where id = any($1::text[]) and expires_at > now()'
const SELECT_ONE = 'select values::text as values from bench_limit where id = $1'
const UPDATE =
  'update bench_limit t set values = t.values || c.values::jsonb from unnest($1::text[], $2::text[]) as c (id, values) where t.id = c.id'

const VALUES = '{"user":"ada","cart":["a coat","a hat"]}'
const MONTH = 30 * 24 * 60 * 60

export const TABLES = {
  async postgres(pool) {
    await pool.query(CREATE)
    return {
      insert: (id) => pool.query(INSERT, [id, VALUES]),
      async readAll(ids) {
        const list = `{${ids.map((id) => `"${id}"`).join(',')}}`
        const { rows } = await pool.query({ name: 'get', text: SELECT, values: [list] })
        return new Map(rows.map((row) => [row.id, row.values]))
      },
      async readOne(id) {
        const { rows } = await pool.query({ name: 'get one', text: SELECT_ONE, values: [id] })
        return rows[0].values
      },
      change: batched(async (changes) => {
        const values = [changes.map(([{ id }]) => id), changes.map(([, change]) => JSON.stringify(change))]
        await pool.query({ name: 'set', text: UPDATE, values })
      }),
    }
  },

  redis(client) {
    const key = (id) => `bench_limit:${id}`
    return {
      insert: (id) => client.set(key(id), VALUES, { expiration: { type: 'EX', value: MONTH } }),
      async readAll(ids) {
        const texts = await client.mGet(ids.map(key))
        return new Map(ids.map((id, i) => [id, texts[i]]))
      },
      readOne: (id) => client.get(key(id)),
      change: ([{ id, values }, change]) =>
        client.set(key(id), JSON.stringify({ ...values, ...change }), {
          condition: 'XX',
          expiration: 'KEEPTTL',
        }),
    }
  },
  /** A hash for each session, which parallel changes of other keys do not overwrite: a field per value. */
  redisHashes(client) {
    const key = (id) => `bench_hashes:${id}`
    return {
      async insert(id) {
        await client.hSet(key(id), { user: '"ada"', cart: '["a coat","a hat"]' })
        await client.expire(key(id), MONTH)
      },
      async readAll(ids) {
        const hashes = await Promise.all(ids.map((id) => client.hGetAll(key(id))))
        return new Map(ids.map((id, i) => [id, toText(hashes[i])]))
      },
      change: ([{ id }, { n }]) => client.hSet(key(id), 'n', String(n)),
    }
  },
}

function toText(hash) {
  const members = Object.entries(hash).map(([field, text]) => `${JSON.stringify(field)}:${text}`)
  return `{${members.join(',')}}`
}
