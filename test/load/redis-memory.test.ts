import { RedisStore } from 'coatcheck/stores/redis'
import { aRecord, NOW } from 'coatcheck/testing'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { scale } from '../servers/scale.ts'

const DAY = 86_400_000
const SESSIONS = 5_000 * scale

/** 300 bytes, in three keys. */
const values = JSON.stringify({
  cart: Array.from({ length: 6 }, (_, n) => ({ id: 1000 + n, count: 1, name: `coat ${n}` })),
  theme: 'dark',
  notice: 'Your order is now on its way to you',
})

/** Each signed in, from a browser of today, and of a user of its own. */
function aSession(n: number) {
  return aRecord({
    userId: `user-${n}`,
    values,
    address: '203.0.113.77',
    userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36`,
    expiresAt: NOW + DAY,
    absoluteEnd: NOW + 30 * DAY,
  })
}

let server: RedisServer
let client: ReturnType<typeof createClient>

beforeAll(async () => {
  server = await startRedis()
  client = createClient({ url: `redis://127.0.0.1:${server.node.port}` })
  client.on('error', () => {})
  await client.connect()
})

afterAll(async () => {
  client?.destroy()
  await server?.stop()
})

async function usedMemory(): Promise<number> {
  const info = String(await server.node.command('info', 'memory'))
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1])
}

async function bytesEach(
  store: RedisStore,
  make: (n: number) => ReturnType<typeof aRecord>,
): Promise<number> {
  const before = await usedMemory()
  for (let n = 0; n < SESSIONS; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, i) => store.create(make(n + i), NOW)))
  }
  return Math.round(((await usedMemory()) - before) / SESSIONS)
}

// What the server's default costs, and what the guide advises.
it.each([
  { setting: 64, signedInAtMost: 1800, anonymousAtMost: 1400 },
  { setting: 1024, signedInAtMost: 1500, anonymousAtMost: 1200 },
])('a session takes so many bytes where hash-max-listpack-value is $setting', async (row) => {
  await server.node.command('flushall')
  await server.node.command('config', 'set', 'hash-max-listpack-value', row.setting)
  const store = new RedisStore({ client, timeout: 60 })
  const signedIn = await bytesEach(store, aSession)
  const anonymous = await bytesEach(store, () => aRecord({ values, expiresAt: NOW + DAY }))
  console.log(
    `${SESSIONS} sessions, ${values.length} bytes of values, ${row.setting}: ${signedIn} bytes signed in, ${anonymous} anonymous`,
  )
  expect(signedIn).toBeLessThan(row.signedInAtMost)
  expect(anonymous).toBeLessThan(row.anonymousAtMost)
})
