import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import { ConfigError, StoreError, ValueError } from 'coatcheck'
import { type RedisClient, RedisStore } from 'coatcheck/stores/redis'
import { aChange, aRecord, aSecretHash, NOW } from 'coatcheck/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

type Command = readonly [name: string, ...args: string[]]

/** An ioredis that answers as it is told, command by command. */
function aClient(answer: (command: Command, n: number) => unknown) {
  const sent: Command[] = []
  const call = async (...command: Command) => {
    sent.push(command)
    const reply = await answer(command, sent.length)
    if (reply instanceof Error) throw reply
    return reply
  }
  return { client: { call } as RedisClient, sent, names: () => sent.map(([name]) => name) }
}

const storeOf = (client: RedisClient, timeout = 4) => new RedisStore({ client, prefix: 'p:', timeout })
const { id } = aRecord()
const forever = () => new Promise<never>(() => {})

describe('RedisStore options', () => {
  const { client } = aClient(() => null)

  it('refuses a client that is none, with the names of those that are', () => {
    for (const wrong of [undefined, null, 'redis://localhost', {}, { query: () => {} }]) {
      expect(() => new RedisStore({ client: wrong as never })).toThrow(
        /client must be a client of node-redis 5, ioredis 5/,
      )
    }
  })

  it.each([
    ['an unknown option', { ttl: 5 }, 'RedisStore has no option ttl'],
    ['a prefix that is no text', { prefix: 5 }, /prefix must be a text/],
    ['a prefix with a lone surrogate', { prefix: '\ud800' }, /prefix must be a text/],
    ['a timeout of nothing', { timeout: 0 }, /timeout must be a number of seconds/],
  ])('refuses %s', (_, option, message) => {
    const make = () => new RedisStore({ client, ...(option as object) })
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(message)
  })

  it('takes a client whose Object is not ours, as under Jest', () => {
    const foreign = runInNewContext('({ call: async () => null })')
    expect(() => new RedisStore({ client: foreign })).not.toThrow()
  })

  it('waits for an answer where the timeout is longer than a timer of Node can be', async () => {
    const { client } = aClient(() => pause(20, []))
    expect(await storeOf(client, 4_000_000).get(id, NOW)).toBeUndefined()
  })

  it('listens for errors of a client that nobody listens to, and of no other', () => {
    const lone = Object.assign(new EventEmitter(), { call: async () => null })
    new RedisStore({ client: lone })
    expect(lone.listenerCount('error')).toBe(1)
    expect(() => lone.emit('error', new Error('gone'))).not.toThrow()
    const heard = Object.assign(new EventEmitter(), { call: async () => null }).on('error', () => {})
    new RedisStore({ client: heard })
    expect(heard.listenerCount('error')).toBe(1)
  })

  it('writes braces of the prefix in another way, so that they are no hash tag, and leaves patterns as they are', async () => {
    const { client, sent } = aClient(() => [])
    await new RedisStore({ client, prefix: 'a{b}*[c]?%:' }).get(id, NOW)
    expect(sent).toEqual([['hgetall', `a%7Bb%7D*[c]?%25:{${id}}`]])
  })
})

describe('RedisStore and what clients are like', () => {
  it.each([
    ['node-redis', (send: unknown) => ({ sendCommand: send }), []],
    [
      'a Cluster of node-redis',
      (send: unknown) => ({ sendCommand: send, nodeClient: () => {} }),
      [`p:{${id}}`, false],
    ],
    [
      'node-redis with Sentinel',
      (send: unknown) => ({ sendCommand: send, getSentinelNode: () => {} }),
      [false],
    ],
  ])('asks %s for the primary that has the key, for texts and no timeout', async (_, make, before) => {
    const send = vi.fn(async () => ({}))
    await storeOf(make(send) as never).get(id, NOW)
    expect(send.mock.calls).toEqual([[...before, ['hgetall', `p:{${id}}`], { typeMapping: {}, timeout: 0 }]])
  })

  it('reads a hash from a list, an object and a Map alike, and from bytes', async () => {
    const facts = `${aSecretHash(1)} 1 ${NOW} ${NOW + 1} ${NOW} ${NOW} - 3600 ${NOW + 2} 0`
    const fields = { f: facts, u: 'ada', '"cart"': '[1]' }
    const list = Object.entries(fields).flat()
    const bare = Object.assign(Object.create(null), fields) // as from node-redis 5 with RESP3
    const bytes = list.map((text) => Buffer.from(text))
    const replies = [fields, bare, new Map(Object.entries(fields)), list, bytes]
    for (const reply of replies) {
      const record = await storeOf(aClient(() => reply).client).get(id, NOW)
      expect(record).toMatchObject({ id, userId: 'ada', values: '{"cart":[1]}', signedInAt: undefined })
    }
  })
})

describe('RedisStore and what the server says', () => {
  it('sends a script once, and then its name; again after the server has forgotten it', async () => {
    const { client, names } = aClient(([name], n) =>
      name === 'evalsha' && (n === 1 || n === 4) ? new Error('NOSCRIPT No matching script.') : null,
    )
    const store = storeOf(client)
    for (let i = 0; i < 3; i++) await store.delete(id)
    expect(names()).toEqual(['evalsha', 'eval', 'evalsha', 'evalsha', 'eval'])
  })

  it.each([
    'LOADING Redis is loading',
    'READONLY You can’t write',
    'CLUSTERDOWN Hash slot',
    'TRYAGAIN Multiple keys',
    'ERR Error running script (call to f_1a2b): @user_script:19: @user_script: 19: -READONLY You can’t write', // 6.2
  ])('asks again where nothing was run: %s', async (message) => {
    const { client, sent } = aClient((_, n) => (n < 3 ? new Error(message) : ['gone']))
    const renewal = { secretHash: aSecretHash(2), renewedAt: NOW }
    expect(await storeOf(client).save(id, aChange({ renewal }), NOW)).toEqual({ outcome: 'gone' })
    expect(sent.length).toBe(3)
  })

  it('gives up at the deadline what the server never gets ready for', async () => {
    const { client, sent } = aClient(() => new Error('LOADING Redis is loading the dataset in memory'))
    await expect(storeOf(client, 0.3).delete(id)).rejects.toThrow(StoreError)
    expect(sent.length).toBeGreaterThan(1)
  })

  it('does not wait longer than its timeout for a client that holds a command back', async () => {
    const store = storeOf({ call: forever }, 0.05)
    const to = { secretHash: aSecretHash(1), lastSeenAt: NOW, expiresAt: NOW + 1 }
    const work = [
      () => store.create(aRecord({ userId: 'ada' }), NOW),
      () => store.get(id, NOW),
      () => store.save(id, aChange(), NOW),
      () => store.touch(id, to, NOW),
      () => store.delete(id),
      () => store.listByUser('ada', NOW),
      () => store.deleteByUser('ada'),
      () => store.cleanup(NOW, 10),
      () => store.serverTime(),
    ]
    for (const run of work) await expect(run()).rejects.toThrow(StoreError)
    await store.close()
  })

  it('reads from a server that answers, however many reads wait for one that does not', async () => {
    const { client } = aClient(([, key]) => (key?.includes(id) ? [] : forever()))
    const store = storeOf(client, 2)
    const silent = Array.from({ length: 20 }, async (_, n) => {
      await pause(n * 40) // later than a batch is waited for by the next
      await expect(store.get(randomUUID(), NOW)).rejects.toThrow(StoreError)
    })
    await pause(900)
    let isSilentOver = false
    void Promise.race(silent).then(() => (isSilentOver = true))
    expect(await store.get(id, NOW)).toBeUndefined()
    expect(isSilentOver).toBe(false)
    await Promise.all(silent)
  })

  it('asks any server of a node-redis Cluster for a key that nobody answers for, once a second', async () => {
    const keys: unknown[] = []
    const sendCommand = (key: string | undefined) => {
      keys.push(key)
      return forever()
    }
    const store = storeOf({ sendCommand, nodeClient: () => {} }, 0.1)
    await Promise.all([1, 2, 3].map(() => expect(store.get(randomUUID(), NOW)).rejects.toThrow(StoreError)))
    expect(keys.filter((key) => key === undefined)).toHaveLength(1)
  })

  it('repeats after a lost connection what does no harm twice, and nothing else', async () => {
    const lost = () => aClient((_, n) => (n === 1 ? new Error('Socket closed unexpectedly') : null))
    const reading = lost()
    expect(await storeOf(reading.client).get(id, NOW)).toBeUndefined()
    expect(reading.sent.length).toBe(2)
    const renewing = lost()
    const renewal = { secretHash: aSecretHash(2), renewedAt: NOW }
    await expect(storeOf(renewing.client).save(id, aChange({ renewal }), NOW)).rejects.toThrow(StoreError)
    expect(renewing.sent.length).toBe(1)
  })

  it('fails at once, with the server’s own error as cause, where the memory is full', async () => {
    const full = new Error("OOM command not allowed when used memory > 'maxmemory'.")
    const { client, sent } = aClient(() => full)
    await expect(storeOf(client).save(id, aChange(), NOW)).rejects.toMatchObject({
      operation: 'save',
      cause: full,
    })
    expect(sent.length).toBe(1)
  })

  it('takes what another library left under a key for no session', async () => {
    const { client } = aClient(
      () => new Error('WRONGTYPE Operation against a key holding the wrong kind of value'),
    )
    expect(await storeOf(client).get(id, NOW)).toBeUndefined()
    for (const reply of [{ cookie: '{}' }, ['f', 'some text'], ['f', 'a b c d e f g h i j'], [], null]) {
      expect(await storeOf(aClient(() => reply).client).get(id, NOW)).toBeUndefined()
    }
  })

  it('does not take an answer that is no outcome for a save', async () => {
    for (const reply of [null, 'OK', [], ['saved'], ['saved', []], ['else']]) {
      await expect(storeOf(aClient(() => reply).client).save(id, aChange(), NOW)).rejects.toThrow(ValueError)
    }
  })

  it('fails a revocation where one session’s server fails, rather than say that all have ended', async () => {
    const { client } = aClient(([name, , , key]) => {
      if (name === 'zrange') return ['a', 'b', 'c']
      return key === 'p:{b}' ? new Error('ERR out of order') : 'ada'
    })
    await expect(storeOf(client).deleteByUser('ada')).rejects.toThrow(StoreError)
  })

  it('takes off the index what a revocation has ended before it fails', async () => {
    const ids = Array.from({ length: 501 }, () => randomUUID())
    const { client, sent } = aClient(([name, , , key]) => {
      if (name === 'zrange') return ids
      return key?.includes(ids[500] ?? '') ? new Error('ERR no') : 'ada'
    })
    const store = storeOf(client)
    await expect(store.deleteByUser('ada')).rejects.toThrow(StoreError)
    await store.close()
    expect(sent.find(([name, key]) => name === 'zrem' && key === 'p:u{ada}')).toHaveLength(2 + 500)
  })

  it('keeps no command, and so no value and no hash, on an error (R-093)', async () => {
    const error = Object.assign(new Error('OOM command not allowed'), {
      command: { name: 'evalsha', args: ['"private"'] },
    })
    const { client } = aClient(() => error)
    const failure = await storeOf(client)
      .save(id, aChange({ set: { private: '1' } }), NOW)
      .catch((reason: unknown) => reason)
    expect(inspect(failure, { depth: 9 })).not.toContain('private')
  })

  it('refuses more than 20,000 commands that wait for an answer, and takes commands again once they have one', async () => {
    const waiting: (() => void)[] = []
    const { client, sent } = aClient(() => new Promise<null>((resolve) => waiting.push(() => resolve(null))))
    const store = storeOf(client)
    const all = Array.from({ length: 20_000 }, () => store.delete(id))
    await expect(store.delete(id)).rejects.toMatchObject({ cause: { message: /20000 commands wait/ } })
    expect(sent.length).toBe(20_000)
    for (const answer of waiting.splice(0)) answer()
    await Promise.all(all)
    const next = store.delete(id)
    await vi.waitFor(() => expect(waiting.length).toBe(1))
    waiting[0]?.()
    expect(await next).toBe(false)
  })

  it('refuses none, and waits for none, where the runtime keeps requests apart: those that are gone are never answered', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    onTestFinished(() => void vi.unstubAllGlobals())
    let isAway = true
    const { client } = aClient(() => (isAway ? forever() : null))
    const store = storeOf(client, 60)
    for (let n = 0; n < 20_000; n++) void store.delete(id)
    isAway = false
    expect(await store.delete(id)).toBe(false)
    await expect(store.close()).resolves.toBeUndefined()
  })
})
