import { ConfigError, SessionManager, type SessionManagerOptions } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { describe, expect, it, vi } from 'vitest'
import { resolveOptions } from '../../../src/options.ts'

const KEY = 'kQ3vZ8mB1xN6cR9tY2wP5sL7dF4gH0jU'
const store = new MemoryStore()

const resolve = (options: object = {}) => resolveOptions({ store, authKey: KEY, ...options })

/** Options as JavaScript lets them through, and what the message has to say. */
const REFUSED: readonly (readonly [object, string])[] = [
  [{ store: undefined }, 'store is missing'],
  [{ store: null }, 'store is missing'],
  [{ store: 'memory' }, 'store is missing'],
  [{ store: {} }, 'store has no method create()'],
  [{ store: { ...methodsOf(store), touch: undefined } }, 'store has no method touch()'],
  [{ authKey: undefined }, 'authKey is missing; make one with generateKey(), or `openssl rand -base64 32`'],
  [{ authKey: null }, 'authKey'],
  [{ authKey: [] }, 'authKey'],
  [{ authKey: 7 }, 'authKey'],
  [{ authKey: {} }, 'authKey'],
  [{ authKey: '' }, 'authKey must have at least 32 bytes, not 0'],
  [{ authKey: 'kQ3vZ8mB1xN6cR9tY2wP5sL7dF4gH0j' }, 'authKey must have at least 32 bytes, not 31'],
  [{ authKey: new Uint8Array(31).map((_, i) => i) }, 'authKey must have at least 32 bytes, not 31'],
  [{ authKey: [KEY, 'short'] }, 'authKey[1] must have at least 32 bytes, not 5'],
  [{ authKey: [undefined, KEY] }, 'authKey[0] must be a string or a Uint8Array'],
  [{ authKey: new Uint8Array(64) }, 'authKey repeats a few bytes'],
  [{ authKey: 'ab'.repeat(32) }, 'authKey repeats a few bytes'],
  [{ authKey: '0123456'.repeat(8) }, 'authKey repeats a few bytes'],
  [{ authKey: 'keyboard cat keyboard cat keyboard cat' }, 'authKey is a well-known placeholder'],
  [{ authKey: 'Change-Me Change-Me Change-Me Change-Me' }, 'authKey is a well-known placeholder'],
  [{ authKey: 'your-secret-your-secret-your-secret-1234' }, 'authKey is a well-known placeholder'],
  [{ authKey: Buffer.from('keyboard cat keyboard cat keyboard cat') }, 'authKey is a well-known placeholder'],
  [{ encryptionKey: [] }, 'encryptionKey'],
  [{ encryptionKey: 'short' }, 'encryptionKey must have at least 32 bytes, not 5'],
  [{ encryptionKey: [KEY, 'short'] }, 'encryptionKey[1] must have at least 32 bytes, not 5'],
  [{ idleTimeout: 0 }, 'idleTimeout must be'],
  [{ idleTimeout: -1 }, 'idleTimeout must be'],
  [{ idleTimeout: Number.NaN }, 'idleTimeout must be'],
  [{ idleTimeout: Number.POSITIVE_INFINITY }, 'idleTimeout must be'],
  [{ idleTimeout: '86400' }, 'idleTimeout must be a number of seconds'],
  [{ idleTimeout: new Date() }, 'idleTimeout must be a number of seconds'],
  [{ idleTimeout: 101, absoluteTimeout: 100 }, 'idleTimeout (101 s) is longer than absoluteTimeout (100 s)'],
  [{ idleTimeout: 2_592_001 }, 'idleTimeout (2592001 s) is longer than absoluteTimeout (2592000 s)'],
  [{ absoluteTimeout: 0 }, 'absoluteTimeout must be'],
  [{ absoluteTimeout: 3_155_760_001 }, 'absoluteTimeout must be'],
  [{ absoluteTimeout: 2 ** 53 }, 'absoluteTimeout must be'],
  [{ touchInterval: 0 }, 'touchInterval must be'],
  [{ touchInterval: 31, idleTimeout: 60 }, 'touchInterval (31 s) is longer than half of idleTimeout (60 s)'],
  [{ touchInterval: 43_201 }, 'touchInterval (43201 s) is longer than half of idleTimeout (86400 s)'],
  [{ cleanupInterval: -1 }, 'cleanupInterval must be'],
  [{ cleanupInterval: Number.POSITIVE_INFINITY }, 'cleanupInterval must be'],
  [{ cleanupInterval: false }, 'cleanupInterval must be'],
  [{ maxValuesBytes: 0 }, 'maxValuesBytes must be'],
  [{ maxValuesBytes: 1.5 }, 'maxValuesBytes must be'],
  [{ maxValuesBytes: Number.POSITIVE_INFINITY }, 'maxValuesBytes must be'],
  [{ maxValuesBytes: '64' }, 'maxValuesBytes must be'],
  [{ storeTimeout: 0 }, 'storeTimeout must be'],
  [{ storeTimeout: Number.POSITIVE_INFINITY }, 'storeTimeout must be'],
  [{ clock: 7 }, 'clock must be a function'],
  [{ onEvent: 'log' }, 'onEvent must be a function'],
  [{ maxAge: 60 }, 'unknown option "maxAge"'],
  [{ secret: KEY }, 'unknown option "secret"'],
  [{ idletimeout: undefined }, 'unknown option "idletimeout"'],
  [{ cookie: { maxAge: 60 } }, 'unknown option "cookie.maxAge"'],
  [{ cookie: 'id' }, 'cookie must be an object'],
  [{ cookie: { name: '' } }, 'cookie.name'],
  [{ cookie: { name: 'a b' } }, 'cookie.name'],
  [{ cookie: { name: 'x'.repeat(4000) } }, 'cookie.name'],
  [{ cookie: { path: 'app' } }, 'cookie.path'],
  [{ cookie: { domain: '.example.com' } }, 'cookie.domain'],
  [{ cookie: { domain: 'example.com:443' } }, 'cookie.domain'],
  [{ cookie: { name: '__Host-x', domain: 'example.com' } }, 'cookie.domain'],
  [{ cookie: { name: '__Host-x', path: '/app' } }, 'cookie.path'],
  [{ cookie: { name: '__Host-x', secure: false } }, 'cookie.secure'],
  [{ cookie: { name: '__Secure-x', secure: false } }, 'cookie.secure'],
  [{ cookie: { sameSite: 'none', secure: false } }, 'cookie.sameSite'],
  [{ cookie: { sameSite: 'Lax' } }, 'cookie.sameSite'],
  [{ cookie: { sameSite: true } }, 'cookie.sameSite'],
  [{ cookie: { partitioned: true, secure: false } }, 'cookie.partitioned'],
  [
    { cookie: { httpOnly: false } },
    'cookie.httpOnly: false lets scripts read the session cookie; it takes cookie.unsafe',
  ],
  [{ cookie: { httpOnly: false, unsafe: false } }, 'cookie.httpOnly'],
  [{ cookie: { httpOnly: false, unsafe: 'yes' } }, 'cookie.unsafe must be true or false'],
  [{ cookie: { unsafe: 'yes' } }, 'cookie.unsafe must be true or false'],
  [{ cookie: { secure: 'auto' } }, 'cookie.secure must be true or false'],
  [{ cookie: { httpOnly: 0 } }, 'cookie.httpOnly must be true or false'],
  [{ cookie: { partitioned: 1 } }, 'cookie.partitioned must be true or false'],
  [{ cookie: { persistent: 3600 } }, 'cookie.persistent must be true or false'],
]

function methodsOf(of: MemoryStore): object {
  const names = Object.getOwnPropertyNames(MemoryStore.prototype)
  return Object.fromEntries(names.map((name) => [name, Reflect.get(of, name)]))
}

describe('SessionManager, options', () => {
  it.each(REFUSED)('refuses %o: %s (rule 14, R-059)', (options, message) => {
    const construct = () => new SessionManager({ store, authKey: KEY, ...options }) // on purpose
    expect(construct).toThrow(ConfigError)
    expect(construct).toThrow(message)
  })

  it.each([undefined, null, 'options', 7])('refuses %o in place of options', (options) => {
    const construct = () => new SessionManager(options as unknown as SessionManagerOptions) // on purpose
    expect(construct).toThrow(ConfigError)
    expect(construct).toThrow('the options must be an object')
  })

  it.each([
    'secret',
    'password',
    'passphrase',
    'change me',
    'change-this',
    'REPLACE_ME',
    'keyboard cat',
    'super secret',
    'your-secret',
    'my_secret',
    'Session Secret',
    'default',
    'example',
    'insecure',
  ])('refuses a key that is %j, once or twice, and digits (rule 14)', (placeholder) => {
    for (const times of [1, 2]) {
      const authKey = `${placeholder} `.repeat(times).padEnd(40, '0123456789')
      expect(() => resolve({ authKey })).toThrow('authKey is a well-known placeholder')
    }
  })

  it('never puts a key into a message (rule 9)', () => {
    for (const authKey of ['hunter2', 'hunter2'.repeat(6), ['hunter2']]) {
      try {
        resolve({ authKey })
      } catch (error) {
        expect(String(error)).not.toContain('hunter2')
      }
    }
    expect(() => resolve({ authKey: 'hunter2' })).toThrow(ConfigError)
  })

  it('takes undefined for every option that has a default, and means the default', () => {
    const undefinedEverywhere = Object.fromEntries(
      [
        'encryptionKey',
        'cookie',
        'idleTimeout',
        'absoluteTimeout',
        'touchInterval',
        'cleanupInterval',
        'maxValuesBytes',
        'storeTimeout',
        'clock',
        'onEvent',
      ].map((name) => [name, undefined]),
    )
    expect(resolve(undefinedEverywhere)).toEqual(resolve())
    const cookie = Object.fromEntries(
      ['name', 'path', 'domain', 'secure', 'httpOnly', 'sameSite', 'partitioned', 'persistent', 'unsafe'].map(
        (name) => [name, undefined],
      ),
    )
    expect(resolve({ cookie })).toEqual(resolve())
  })

  it('has the defaults that the documentation names (R-001, R-098, R-207, R-216)', () => {
    expect(resolve()).toMatchObject({
      encryptionKeys: [],
      cookie: {
        name: '__Host-id',
        path: '/',
        domain: undefined,
        secure: true,
        httpOnly: true,
        sameSite: 'lax',
        partitioned: false,
      },
      persistent: false,
      idleTimeout: 86_400,
      absoluteTimeout: 2_592_000,
      touchInterval: 60,
      cleanupInterval: 300,
      maxValuesBytes: 65_536,
      storeTimeout: 5,
      clock: Date.now,
      usesSystemClock: true,
      onEvent: undefined,
    })
    expect(resolve({ clock: Date.now }).usesSystemClock).toBe(false)
  })

  it.each([
    [{}, '__Host-id'],
    [{ partitioned: true }, '__Host-idp'],
    [{ domain: 'example.com' }, '__Secure-id'],
    [{ domain: 'example.com', partitioned: true }, '__Secure-id'],
    [{ path: '/app' }, '__Secure-id'],
    [{ secure: false }, 'id'],
    [{ secure: false, domain: 'example.com' }, 'id'],
    [{ name: 'x' }, 'x'],
    [{ name: 'x', secure: false, httpOnly: false, unsafe: true }, 'x'],
  ])('names the cookie of %o %s (R-090, R-097)', (cookie, name) => {
    expect(resolve({ cookie }).cookie.name).toBe(name)
  })

  it.each([
    [{ absoluteTimeout: 3600 }, { idleTimeout: 3600, touchInterval: 60 }],
    [{ absoluteTimeout: 100 }, { idleTimeout: 100, touchInterval: 10 }],
    [{ idleTimeout: 300 }, { idleTimeout: 300, touchInterval: 30 }],
    [{ idleTimeout: 600 }, { touchInterval: 60 }],
    [{ idleTimeout: 60, touchInterval: 30 }, { touchInterval: 30 }],
    [{ idleTimeout: 100, absoluteTimeout: 100 }, { idleTimeout: 100 }],
    [{ idleTimeout: 0.005 }, { idleTimeout: 0.005, touchInterval: 0.0005 }],
    [{ absoluteTimeout: 0.001 }, { idleTimeout: 0.001 }],
    [{ absoluteTimeout: 3_155_760_000 }, { absoluteTimeout: 3_155_760_000 }],
    [{ cleanupInterval: 0 }, { cleanupInterval: 0 }],
    [{ maxValuesBytes: 2 }, { maxValuesBytes: 2 }],
  ])('takes %o, which gives %o', (options, expected) => {
    expect(resolve(options)).toMatchObject(expected)
  })

  it.each([
    KEY,
    [KEY],
    [KEY, 'another key of at least 32 bytes, really'],
    new Uint8Array(32).map((_, i) => i),
    [Buffer.from(KEY)],
    'a secret of at least thirty-two bytes, that is no placeholder',
    '01234567'.repeat(4),
  ])('takes the key %o', (authKey) => {
    expect(() => resolve({ authKey, encryptionKey: authKey })).not.toThrow()
  })

  it('copies a key that comes as bytes', () => {
    const authKey = new Uint8Array(32).map((_, i) => i)
    const { authKeys } = resolve({ authKey })
    authKey.fill(0)
    expect(authKeys[0]?.[31]).toBe(31)
  })

  it('does no I/O, starts no timer and takes no random bytes at construction', () => {
    vi.useFakeTimers()
    const spied = new Proxy(new MemoryStore(), {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name)
        return typeof method === 'function'
          ? () => {
              throw new Error(`${String(name)} was called`)
            }
          : method
      },
    })
    const manager = new SessionManager({ store: spied, authKey: KEY })
    expect(vi.getTimerCount()).toBe(0)
    expect(manager.store).toBe(spied)
    vi.useRealTimers()
  })
})
