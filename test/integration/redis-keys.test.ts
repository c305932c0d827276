import { StoreError } from 'coatcheck'
import { RedisStore } from 'coatcheck/stores/redis'
import { aChange, aRecord, aSecretHash, NOW } from 'coatcheck/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const HOUR = 3_600_000
const TEN_MINUTES = 600_000

describe('the keys of a RedisStore', () => {
  let server: RedisServer
  let client: Redis
  let store: RedisStore

  beforeAll(async () => {
    server = await startRedis()
    client = new Redis(server.node.port, '127.0.0.1')
    store = new RedisStore({ client, prefix: 'p:' })
  })

  afterAll(async () => {
    client?.disconnect()
    await server?.stop()
  })

  beforeEach(async () => {
    await client.flushall()
  })

  const signIn = (userId: string) => ({
    ...{ userId, signedInAt: NOW, idleTimeout: 3600, absoluteEnd: NOW + 24 * HOUR },
    ...{ persistent: false, address: '192.0.2.7', userAgent: 'x/1' },
  })

  /** Creates, signs in, writes, touches, renews and ends sessions. @returns the ids of those that are left. */
  async function useMany(): Promise<string[]> {
    const ids: string[] = []
    for (let n = 0; n < 120; n++) {
      const { id } = aRecord()
      const record = aRecord({ id, userId: n % 3 === 0 ? `user-${n % 7}` : '', values: `{"n":${n}}` })
      await store.create(record, NOW)
      const renewal = { secretHash: aSecretHash(1), renewedAt: NOW, signIn: signIn(`user-${n % 7}`) }
      if (n % 3 === 1) await store.save(id, aChange({ renewal, set: { cart: '[1]' } }), NOW)
      const to = { secretHash: aSecretHash(1), lastSeenAt: NOW + 1, expiresAt: NOW + HOUR + 1 }
      if (n % 2 === 0) await store.touch(id, to, NOW)
      if (n % 5 === 0) await store.delete(id)
      else ids.push(id)
    }
    await store.deleteByUser('user-3')
    await store.close()
    return ids
  }

  it('all live for a time, but for the sets of what is due', async () => {
    await useMany()
    const keys = await client.keys('*')
    const lifetimes = await Promise.all(keys.map((key) => client.pttl(key)))
    const endless = keys.filter((_, i) => (lifetimes[i] ?? 0) <= 0)
    expect(endless.filter((key) => !/^p:d\{\d+\}$/.test(key))).toEqual([])
    expect(keys.length).toBeGreaterThan(80)
  })

  it('live as long as a session may be used, by the manager’s clock, and ten minutes more', async () => {
    const record = aRecord({ userId: 'ada', expiresAt: NOW + 5000, absoluteEnd: NOW + HOUR })
    await store.create(record, NOW + 1000)
    const near = (lifetime: number, expected: number) => {
      expect(lifetime).toBeLessThanOrEqual(expected)
      expect(lifetime).toBeGreaterThan(expected - 30_000)
    }
    near(await client.pttl(`p:{${record.id}}`), 4000 + TEN_MINUTES)
    near(await client.pttl('p:u{ada}'), HOUR - 1000 + TEN_MINUTES)
    await store.touch(record.id, { secretHash: aSecretHash(1), lastSeenAt: NOW, expiresAt: NOW + 9000 }, NOW)
    near(await client.pttl(`p:{${record.id}}`), 9000 + TEN_MINUTES)
  })

  it('are all gone once every session has ended and was cleaned up', async () => {
    const ids = await useMany()
    const cleaned = await store.cleanup(NOW + 2 * HOUR, 1000)
    expect(cleaned).toBeGreaterThan(0)
    expect(cleaned).toBeLessThanOrEqual(ids.length)
    expect(await client.keys('*')).toEqual([])
  })

  it('leave with cleanup also where the server has freed the session by itself', async () => {
    const record = aRecord()
    await store.create(record, NOW)
    await client.del(`p:{${record.id}}`)
    expect(await store.cleanup(NOW + 2 * HOUR, 10)).toBe(1)
    expect(await client.keys('*')).toEqual([])
  })

  it('leave with cleanup in steps, however many are due at once', async () => {
    const ids = Array.from({ length: 21_000 }, (_, n) => [`${NOW}`, `00-${n}`])
    await client.zadd('p:d{0}', ...ids.flat())
    expect(await store.cleanup(NOW, 30_000)).toBe(21_000)
  })

  it('leave with cleanup also the set that an id does not belong in', async () => {
    const live = aRecord({ expiresAt: NOW + 3 * HOUR, absoluteEnd: NOW + 3 * HOUR })
    await store.create(live, NOW)
    for (let n = 0; n < 64; n++) await client.zadd(`p:d{${n}}`, `${NOW}`, live.id, `${NOW}`, aRecord().id)
    expect(await store.cleanup(NOW + HOUR, 1000)).toBe(64)
  })

  it('leave with cleanup, whatever the id looks like', async () => {
    for (const id of ['-f', '', '}', '{}a', 'ü', '\n', '*']) {
      expect(await store.create(aRecord({ id, userId: `}${id}` }), NOW)).toBe(true)
      expect(await store.get(id, NOW)).toMatchObject({ id })
    }
    expect(await store.cleanup(NOW + 2 * HOUR, 100)).toBe(7)
    expect(await client.keys('*')).toEqual([])
  })

  it('take a session back into its user’s index with its next touch', async () => {
    const record = aRecord({ userId: 'ada' })
    await store.create(record, NOW)
    await client.zrem('p:u{ada}', record.id) // as a failover may
    expect(await store.listByUser('ada', NOW)).toEqual([])
    await store.touch(record.id, { secretHash: aSecretHash(1), lastSeenAt: NOW, expiresAt: NOW + HOUR }, NOW)
    await store.close()
    expect(await store.listByUser('ada', NOW)).toMatchObject([{ id: record.id }])
  })

  it('take a session back into its user’s index with its first change of a minute', async () => {
    const record = aRecord({ userId: 'ada' })
    await store.create(record, NOW)
    const change = async (ms: number) => {
      await client.zrem('p:u{ada}', record.id) // as a failover may
      await store.save(record.id, aChange({ lastSeenAt: NOW + ms, set: { a: '1' } }), NOW + ms)
      await store.close()
      return await store.listByUser('ada', NOW + ms)
    }
    expect(await change(59_999)).toEqual([])
    expect(await change(60_000)).toMatchObject([{ id: record.id }])
    expect(await change(60_001)).toEqual([])
    expect(await change(120_000)).toMatchObject([{ id: record.id }])
  })

  it('do not pile up where the server frees sessions before a cleanup and nobody asks for a list', async () => {
    const key = 'p:u{ada}'
    const old = `${Date.now() - TEN_MINUTES - 30_000}`
    for (let n = 0; n < 200; n++) {
      const record = aRecord({ userId: n % 2 === 0 ? 'ada' : '' })
      await store.create(record, NOW)
      const renewal = { secretHash: aSecretHash(1), renewedAt: NOW, signIn: signIn('ada') }
      if (n % 2 === 1) await store.save(record.id, aChange({ renewal }), NOW)
      await store.close()
      await client.del(`p:{${record.id}}`)
      await client.zadd(key, old, record.id)
    }
    expect(await client.zcard(key)).toBeLessThan(50)
  })

  it('keep a member without a record for ten minutes, as its sign-in may be on its way', async () => {
    const [recent, old] = [aRecord().id, aRecord().id]
    const ago = (ms: number) => Date.now() - ms
    await client.zadd('p:u{ada}', `${ago(TEN_MINUTES - 30_000)}`, recent, `${ago(TEN_MINUTES + 30_000)}`, old)
    expect(await store.listByUser('ada', NOW)).toEqual([])
    await store.close()
    expect(await client.zrange('p:u{ada}', '0', '-1')).toEqual([recent])
  })

  it('of two prefixes have nothing to do with each other, patterns and braces or not', async () => {
    const names = ['p:', '*', 'p', '[p]:', '{p}:', '{', '%7Bp%7D:']
    const stores = names.map((prefix) => new RedisStore({ client, prefix }))
    const { id } = aRecord()
    for (const [n, other] of stores.entries()) {
      expect(await other.create(aRecord({ id, userId: 'ada', values: `{"n":${n}}` }), NOW)).toBe(true)
    }
    expect(await stores[1]?.deleteByUser('ada')).toEqual([id])
    for (const [n, other] of stores.entries()) {
      expect((await other.get(id, NOW))?.values).toBe(n === 1 ? undefined : `{"n":${n}}`)
    }
  })

  describe('with another library’s data in them', () => {
    const { id } = aRecord()
    const to = { secretHash: aSecretHash(1), lastSeenAt: NOW, expiresAt: NOW + HOUR }

    it.each([
      ['a text', () => client.set(`p:{${id}}`, '{"cookie":{}}')],
      ['a list', () => client.rpush(`p:{${id}}`, 'x')],
      ['a hash of other fields', () => client.hset(`p:{${id}}`, 'f', 'a b c', 'u', 'ada', '"x"', '1')],
    ])('take %s for no session, and leave it alone', async (_, put) => {
      await put()
      expect(await store.get(id, NOW)).toBeUndefined()
      expect(await store.save(id, aChange({ set: { a: '1' } }), NOW)).toEqual({ outcome: 'gone' })
      expect(await store.touch(id, to, NOW)).toBe(false)
      expect(await store.delete(id)).toBe(false)
      expect(await store.create(aRecord({ id }), NOW)).toBe(false)
      await client.zadd('p:u{ada}', `${Date.now()}`, id)
      expect(await store.listByUser('ada', NOW)).toEqual([])
      expect(await store.deleteByUser('ada')).toEqual([])
      expect(await client.exists(`p:{${id}}`)).toBe(1)
    })

    const facts = [aSecretHash(1), 1, NOW, NOW + HOUR, NOW, NOW, NOW, 3600, NOW + 24 * HOUR, 0]
    const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8]

    it('take facts that are as they should be for a session', async () => {
      await client.hset(`p:{${id}}`, 'f', facts.join(' '))
      expect(await store.get(id, NOW)).toMatchObject({ id })
      expect(await store.save(id, aChange({ set: { a: '1' } }), NOW)).toMatchObject({ outcome: 'saved' })
    })

    it.each([
      '1e21',
      '1e3',
      'Infinity',
      'inf',
      '-inf',
      'NaN',
      'nan',
      '-1',
      '0x7fffffff',
      '9'.repeat(30),
      '.',
      '.5',
      '+1',
    ])('take a session with %s for a number for none, and leave it alone', async (odd) => {
      for (const place of NUMBERS) {
        const text = facts.with(place, odd).join(' ')
        await client.hset(`p:{${id}}`, 'f', text, 'u', 'ada')
        await client.zadd('p:u{ada}', `${Date.now()}`, id)
        expect(await store.get(id, NOW), text).toBeUndefined()
        expect(await store.listByUser('ada', NOW), text).toEqual([])
        // A script reads those that it computes with; with another it may end the session.
        if (place > 3) continue
        expect(await store.save(id, aChange({ set: { a: '1' } }), NOW), text).toEqual({ outcome: 'gone' })
        expect(await store.touch(id, to, NOW), text).toBe(false)
        expect(await store.deleteByUser('ada'), text).toEqual([])
        expect(await client.hget(`p:{${id}}`, 'f')).toBe(text)
      }
    })

    it('fail a sign-in and a list whose index is no index', async () => {
      await client.set('p:u{ada}', 'x')
      await expect(store.create(aRecord({ userId: 'ada' }), NOW)).rejects.toThrow(StoreError)
      await expect(store.listByUser('ada', NOW)).rejects.toThrow(StoreError)
      await expect(store.deleteByUser('ada')).rejects.toThrow(StoreError)
    })
  })
})
