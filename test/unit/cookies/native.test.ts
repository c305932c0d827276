import crypto from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CookieCodec, Token } from '../../../src/cookies/codec.ts'
import { nativeCodec } from '../../../src/cookies/native.ts'
import { ConfigError, ValueError } from '../../../src/errors.ts'
import { handMadeEncryptedToken, handMadeSignedToken, type TokenParts } from './hand-made-token.ts'

const NAME = '__Host-id'
const NOW = Date.UTC(2026, 0, 1)
const MONTH = 30 * 86_400_000
const KEY = new Uint8Array(32).fill(1)
const NEW_KEY = new Uint8Array(32).fill(2)
const TOKEN: Token = {
  id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  secret: Uint8Array.from({ length: 32 }, (_, index) => index),
  issuedAt: NOW,
  absoluteEnd: NOW + MONTH,
}

interface Keys {
  readonly name?: string
  readonly auth?: readonly Uint8Array[]
  readonly encryption?: readonly Uint8Array[]
}

const aCodec = ({ name = NAME, auth = [KEY], encryption = [] }: Keys = {}): CookieCodec =>
  nativeCodec({ cookieName: name, authKeys: auth, encryptionKeys: encryption })

const signing = aCodec()
const encrypting = aCodec({ encryption: [KEY] })

/** What `decode` answers, in one word. */
function outcome(text: string, codec: CookieCodec, now = NOW): string {
  const decoded = codec.decode(text, now)
  return decoded.ok ? 'ok' : decoded.reason
}

const PARTS: TokenParts = {
  version: 1,
  flags: 0,
  home: 0,
  key: KEY,
  issuedAt: TOKEN.issuedAt,
  absoluteEnd: TOKEN.absoluteEnd,
  id: TOKEN.id.replaceAll('-', ''),
  secret: TOKEN.secret,
  purpose: 'session',
  cookieName: NAME,
  iv: new Uint8Array(12).fill(9),
}

const signed = (changes: Partial<TokenParts> = {}) =>
  handMadeSignedToken({ ...PARTS, ...changes }).toString('base64url')
const encrypted = (changes: Partial<TokenParts> = {}) =>
  handMadeEncryptedToken({ ...PARTS, flags: 1, ...changes }).toString('base64url')

afterEach(() => {
  vi.restoreAllMocks()
})

describe('nativeCodec, its format', () => {
  const SIGNED_VECTOR =
    'AQAAfbuYUwGbdtqoAAGcEVlwAA-PrVvZy0afoWVwhncolQ4AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH-POwuFUjw7CWjhRO7sETgKqoNTp-UJK7sE70FxZkNpS'
  const ENCRYPTED_VECTOR =
    'AQEANfuwhwGbdtqoAAGcEVlwAAkJCQkJCQkJCQkJCc6aDAT-r_cE_Be5aP0kz312CKraE0a9rhRGwqVR6wNUsXdcy7_Wi5Vz2Rbah9muk58Y9wUBmMialcWJCYSQit4'

  it('signs a known token as a known text', () => {
    expect(signing.encode(TOKEN)).toBe(SIGNED_VECTOR)
    expect(signed()).toBe(SIGNED_VECTOR)
  })

  it('reads a known signed and a known encrypted text', () => {
    expect(signing.decode(SIGNED_VECTOR, NOW)).toEqual({ ok: true, token: TOKEN })
    expect(encrypting.decode(ENCRYPTED_VECTOR, NOW)).toEqual({ ok: true, token: TOKEN })
    expect(encrypted()).toBe(ENCRYPTED_VECTOR)
  })

  it('encrypts as described, with a random IV in its place', () => {
    const text = encrypting.encode(TOKEN)
    const iv = Buffer.from(text, 'base64url').subarray(19, 31)
    expect(text).toBe(encrypted({ iv }))
  })

  it('makes cookie values of at most 256 cookie-octets (R-041, R-167, R-172)', () => {
    for (const text of [signing.encode(TOKEN), encrypting.encode(TOKEN)]) {
      expect(text).toMatch(/^[\w-]{1,256}$/)
    }
  })

  it('shows neither id nor secret in an encrypted token', () => {
    const secret = Buffer.from(TOKEN.secret)
    const bytes = Buffer.from(encrypting.encode(TOKEN), 'base64url')
    expect(bytes.includes(secret)).toBe(false)
    expect(bytes.includes(Buffer.from(PARTS.id, 'hex'))).toBe(false)
    expect(Buffer.from(signing.encode(TOKEN), 'base64url').includes(secret)).toBe(true)
  })

  it('never uses an IV twice (R-063)', () => {
    const ivs = Array.from({ length: 2_000 }, () => encrypting.encode(TOKEN).slice(26, 41))
    expect(new Set(ivs).size).toBe(ivs.length)
  })

  it('hands out a secret that shares its memory with nothing (R-067)', () => {
    for (const codec of [signing, encrypting]) {
      const decoded = codec.decode(codec.encode(TOKEN), NOW)
      expect(decoded.ok && decoded.token.secret.buffer.byteLength).toBe(32)
    }
  })
})

describe('nativeCodec, making tokens', () => {
  it.each([
    ['an empty id', { id: '' }],
    ['an id in upper case', { id: TOKEN.id.toUpperCase() }],
    ['an id without hyphens', { id: TOKEN.id.replaceAll('-', '') }],
    ['an id of version 1', { id: '0f8fad5b-d9cb-169f-a165-70867728950e' }],
    ['an id of another variant', { id: '0f8fad5b-d9cb-469f-c165-70867728950e' }],
    ['an id with a line break', { id: `${TOKEN.id}\n` }],
    ['a secret of 31 bytes', { secret: new Uint8Array(31) }],
    ['a secret of 33 bytes', { secret: new Uint8Array(33) }],
    ['half a millisecond', { issuedAt: 0.5 }],
    ['an instant before 1970', { issuedAt: -1 }],
    ['no instant', { issuedAt: Number.NaN }],
    ['an instant over 48 bits', { absoluteEnd: 2 ** 48 }],
    ['no end', { absoluteEnd: Number.POSITIVE_INFINITY }],
  ])('refuses %s', (_, changes) => {
    for (const codec of [signing, encrypting]) {
      expect(() => codec.encode({ ...TOKEN, ...changes })).toThrow(ValueError)
      expect(() => codec.encode({ ...TOKEN, ...changes })).toThrow(
        /^token (id must be a UUID|secret must be 32 bytes|(issuedAt|absoluteEnd) must be whole milliseconds)/,
      )
    }
  })

  it('holds every instant of 48 bits', () => {
    const token = { ...TOKEN, issuedAt: 0, absoluteEnd: 2 ** 48 - 1 }
    expect(signing.decode(signing.encode(token), NOW)).toEqual({ ok: true, token })
  })

  it('refuses to be made without a key', () => {
    expect(() => aCodec({ auth: [] })).toThrow(ConfigError)
    expect(() => aCodec({ auth: [] })).toThrow('authKey must hold at least one key')
  })

  it('makes no random bytes before the first token: Workers forbid them at load', () => {
    const randomBytes = vi.spyOn(crypto, 'randomBytes')
    const codec = aCodec({ encryption: [KEY] })
    expect(randomBytes).not.toHaveBeenCalled()
    codec.encode(TOKEN)
    expect(randomBytes).toHaveBeenCalledOnce()
  })
})

describe('nativeCodec, time', () => {
  const bothForms = [
    { form: 'signed', text: signed(), codec: signing },
    { form: 'encrypted', text: encrypted(), codec: encrypting },
  ]

  it.each(bothForms)(
    'reads a $form token until the instant before its absolute end (R-053)',
    ({ text, codec }) => {
      expect(outcome(text, codec, TOKEN.absoluteEnd - 1)).toBe('ok')
      expect(codec.decode(text, TOKEN.absoluteEnd)).toEqual({ ok: false, reason: 'expired', id: TOKEN.id })
      expect(outcome(text, codec, TOKEN.absoluteEnd + 1)).toBe('expired')
    },
  )

  it.each(bothForms)('refuses a $form token made over 60 s in the future (R-053)', ({ text, codec }) => {
    expect(outcome(text, codec, NOW - 60_000)).toBe('ok')
    expect(codec.decode(text, NOW - 60_001)).toEqual({ ok: false, reason: 'from-the-future', id: TOKEN.id })
  })

  it.each([{ absoluteEnd: NOW }, { issuedAt: NOW + 60_001 }])(
    'does not say so of a forged token: the MAC comes first (R-050) %j',
    (changes) => {
      const forged = handMadeSignedToken({ ...PARTS, ...changes })
      forged[98] = (forged[98] ?? 0) ^ 1
      expect(signing.decode(forged.toString('base64url'), NOW)).toEqual({
        ok: false,
        reason: 'bad-signature',
        id: undefined,
      })
    },
  )
})

describe('nativeCodec, keys', () => {
  it('signs with the first key alone and verifies with all (R-058)', () => {
    const before = aCodec()
    const announced = aCodec({ auth: [KEY, NEW_KEY] })
    const rotated = aCodec({ auth: [NEW_KEY, KEY] })
    const retired = aCodec({ auth: [NEW_KEY] })
    const [oldToken, newToken] = [before.encode(TOKEN), rotated.encode(TOKEN)]
    expect(announced.encode(TOKEN)).toBe(oldToken)
    expect(retired.encode(TOKEN)).toBe(newToken)
    expect(
      [announced, rotated].flatMap((codec) => [outcome(oldToken, codec), outcome(newToken, codec)]),
    ).toEqual(Array(4).fill('ok'))
    expect(outcome(oldToken, retired)).toBe('unknown-key')
    expect(outcome(newToken, before)).toBe('unknown-key')
  })

  it('encrypts with the first key alone and decrypts with all (R-058)', () => {
    const before = aCodec({ encryption: [KEY] })
    const rotated = aCodec({ encryption: [NEW_KEY, KEY] })
    const retired = aCodec({ encryption: [NEW_KEY] })
    const [oldToken, newToken] = [before.encode(TOKEN), rotated.encode(TOKEN)]
    expect([oldToken, newToken].map((text) => outcome(text, rotated))).toEqual(['ok', 'ok'])
    expect([oldToken, newToken].map((text) => outcome(text, retired))).toEqual(['unknown-key', 'ok'])
    expect([oldToken, newToken].map((text) => outcome(text, before))).toEqual(['ok', 'unknown-key'])
  })

  it('reads signed tokens after encryption is turned on, and no encrypted ones after it is turned off', () => {
    expect(outcome(signing.encode(TOKEN), encrypting)).toBe('ok')
    expect(outcome(encrypting.encode(TOKEN), signing)).toBe('unknown-key')
  })

  it('counts a key that is listed twice once', () => {
    expect(aCodec({ auth: [KEY, KEY] }).encode(TOKEN)).toBe(signing.encode(TOKEN))
  })

  it('refuses two keys of one key id, of which it could use only one', () => {
    // Found by search.
    const numbered = (number: number) => {
      const key = Buffer.alloc(32, 7)
      key.writeUInt32BE(number)
      return key
    }
    expect(() => aCodec({ auth: [numbered(63_734), numbered(90_132)] })).toThrow(/^authKey holds two keys/)
    expect(() => aCodec({ encryption: [numbered(5_366), numbered(47_822)] })).toThrow(
      /^encryptionKey holds two keys/,
    )
  })

  it('checks one MAC however many keys there are (R-037, R-060)', () => {
    const keys = Array.from({ length: 50 }, (_, index) => new Uint8Array(32).fill(index + 1))
    const codec = aCodec({ auth: keys, encryption: keys })
    const last = { key: new Uint8Array(32).fill(50) }
    const [signedText, encryptedText] = [signed(last), encrypted(last)]
    const createHmac = vi.spyOn(crypto, 'createHmac')
    const createDecipheriv = vi.spyOn(crypto, 'createDecipheriv')
    const calls = () => [createHmac.mock.calls.length, createDecipheriv.mock.calls.length]
    expect([outcome(signedText, codec), ...calls()]).toEqual(['ok', 1, 0])
    expect([outcome(encryptedText, codec), ...calls()]).toEqual(['ok', 1, 1])
  })
})
