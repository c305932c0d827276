// What a session could cost at least: written by hand for this one use, with none of the promises of a library.
import { createHmac, createSecretKey, randomUUID, timingSafeEqual } from 'node:crypto'
import { batched } from './batched.mjs'
import { TABLES } from './tables.mjs'

/** An HMAC, and one read for all the requests that came while the last one was under way. */
export async function handWritten({ tools, store, database }, secret) {
  const table = await TABLES[store](database)
  const key = createSecretKey(secret, 'utf8')
  const mac = (id) => createHmac('sha256', key).update(id).digest()
  const read = batched((ids) => table.readAll(ids))
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
      await table.insert(id)
      tools.setCookie(response, `limit=${id}.${mac(id).toString('base64url')}`)
    },
    change: (request, n) => table.change([tools.sessionOf(request), { n }]),
  }
}

/** One plain read by key for each request, and nothing else. */
export async function oneRead({ tools, store, database }) {
  const table = await TABLES[store](database)
  const load = async (header) => {
    const id = /(?:^|; )id=([^;]+)/.exec(header ?? '')?.[1]
    return id === undefined ? undefined : JSON.parse(await table.readOne(id))
  }
  return {
    middleware: tools.toMiddleware(load),
    user: (request) => tools.sessionOf(request)?.user,
    async signIn(_request, response) {
      const id = randomUUID()
      await table.insert(id)
      tools.setCookie(response, `id=${id}`)
    },
  }
}
