// What a session could cost at least: written by hand for this one table, with none of the promises of a library.
import { createHmac, createSecretKey, randomUUID, timingSafeEqual } from 'node:crypto'

const TABLE =
  'create table if not exists bench_limit (id text primary key, values jsonb not null, expires_at timestamptz not null)'
const INSERT = `insert into bench_limit values ($1, '{"user":"ada","cart":["a coat","a hat"]}', now() + interval '30 days')`
const SELECT =
  'select id, values::text as values from bench_limit where id = any($1::text[]) and expires_at > now()'
const SELECT_ONE = 'select values::text as values from bench_limit where id = $1'
const UPDATE = 'update bench_limit set values = values || $2::text::jsonb where id = $1'

/** An HMAC, and one SELECT for all the requests that came while the last one was under way. */
export async function handWritten({ tools, pool }, secret) {
  await pool.query(TABLE)
  const key = createSecretKey(secret, 'utf8')
  const mac = (id) => createHmac('sha256', key).update(id).digest()
  const read = batched(async (ids) => {
    const list = `{${ids.map((id) => `"${id}"`).join(',')}}`
    const { rows } = await pool.query({ name: 'get', text: SELECT, values: [list] })
    return new Map(rows.map((row) => [row.id, row.values]))
  })
  const load = async (header) => {
    const found = /(?:^|; )limit=([^.;]+)\.([^;]+)/.exec(header ?? '')
    if (!found || !timingSafeEqual(mac(found[1]), Buffer.from(found[2], 'base64url'))) return undefined
    return { id: found[1], values: JSON.parse(await read(found[1])) }
  }
  return {
    middleware: tools.toMiddleware(load),
    user: (request) => tools.sessionOf(request)?.values.user,
    async signIn(_request, response) {
      const id = randomUUID()
      await pool.query(INSERT, [id])
      tools.setCookie(response, `limit=${id}.${mac(id).toString('base64url')}`)
    },
    change: (request, n) =>
      pool.query({
        name: 'set',
        text: UPDATE,
        values: [tools.sessionOf(request).id, JSON.stringify({ n })],
      }),
  }
}

/** One plain SELECT by key for each request, and nothing else. */
export async function oneSelect({ tools, pool }) {
  await pool.query(TABLE)
  const load = async (header) => {
    const id = /(?:^|; )id=([^;]+)/.exec(header ?? '')?.[1]
    if (id === undefined) return undefined
    const { rows } = await pool.query({ name: 'get one', text: SELECT_ONE, values: [id] })
    return JSON.parse(rows[0].values)
  }
  return {
    middleware: tools.toMiddleware(load),
    user: (request) => tools.sessionOf(request)?.user,
    async signIn(_request, response) {
      const id = randomUUID()
      await pool.query(INSERT, [id])
      tools.setCookie(response, `id=${id}`)
    },
  }
}

/** @param ask Takes a list of ids to a map of answers. @returns a function that asks for one id. */
function batched(ask) {
  let waiting = []
  let isBusy = false
  const flush = async () => {
    const batch = waiting
    waiting = []
    const answers = await ask(batch.map(({ id }) => id))
    for (const { id, resolve } of batch) resolve(answers.get(id))
    setImmediate(() => {
      isBusy = false
      next()
    })
  }
  const next = () => {
    if (isBusy || waiting.length === 0) return
    isBusy = true
    void flush()
  }
  return (id) =>
    new Promise((resolve) => {
      waiting.push({ id, resolve })
      next()
    })
}
