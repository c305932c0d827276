import crypto from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CookieCodec, Token } from '../../../src/cookies/codec.ts'
import { nativeCodec } from '../../../src/cookies/native.ts'
import { handMadeEncryptedToken, handMadeSignedToken, type TokenParts } from './hand-made-token.ts'

const NAME = '__Host-id'
const NOW = Date.UTC(2026, 0, 1)
const KEY = new Uint8Array(32).fill(1)
const PARTS: TokenParts = {
  version: 1,
  flags: 0,
  home: 0,
  key: KEY,
  issuedAt: NOW,
  absoluteEnd: NOW + 60_000,
  id: '0f8fad5bd9cb469fa16570867728950e',
  secret: new Uint8Array(32).fill(3),
  purpose: 'session',
  cookieName: NAME,
  iv: new Uint8Array(12).fill(9),
}
const TOKEN: Token = {
  id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  secret: PARTS.secret,
  issuedAt: NOW,
  absoluteEnd: PARTS.absoluteEnd,
}

/** Has both kinds of key, so that nothing is refused merely for want of one. */
const codec = nativeCodec({ cookieName: NAME, authKeys: [KEY], encryptionKeys: [KEY] })

const FORMS = [
  {
    form: 'signed',
    make: (changes: Partial<TokenParts> = {}) => handMadeSignedToken({ ...PARTS, ...changes }),
  },
  {
    form: 'encrypted',
    make: (changes: Partial<TokenParts> = {}) => handMadeEncryptedToken({ ...PARTS, flags: 1, ...changes }),
  },
]

function outcome(token: Buffer | string, reader: CookieCodec = codec): string {
  const decoded = reader.decode(typeof token === 'string' ? token : token.toString('base64url'), NOW)
  return decoded.ok ? 'ok' : decoded.reason
}

/** A copy with one bit turned. */
function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at)
  return copy
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(FORMS)('nativeCodec, reading a $form token that was tampered with', ({ make }) => {
  it('reads the token as it was made', () => {
    expect(outcome(make())).toBe('ok')
  })

  it('refuses it with any one bit turned (R-051)', () => {
    const token = make()
    const bits = [...token.keys()].flatMap((at) => Array.from({ length: 8 }, (_, bit) => ({ at, bit })))
    const outcomes = bits.map(({ at, bit }) => ({ at, bit, is: outcome(flipped(token, at, bit)) }))
    const expected = (at: number) => {
      if (at < 3) return 'malformed'
      return at < 7 ? 'unknown-key' : 'bad-signature'
    }
    expect(outcomes).toEqual(bits.map(({ at, bit }) => ({ at, bit, is: expected(at) })))
  })

  it('refuses it with any one character changed (R-034)', () => {
    const text = make().toString('base64url')
    for (const [at, character] of [...text].entries()) {
      for (const other of ['A', 'B', '-', '_', '+', '/', '=', ' ', '%', '.', '\u0000', '\u0141', '\ud800']) {
        const changed = `${text.slice(0, at)}${other}${text.slice(at + 1)}`
        if (other !== character) expect(outcome(changed), `${at}: ${other}`).not.toBe('ok')
      }
    }
  })

  it('refuses it cut short or with more behind it (R-060, R-062)', () => {
    const token = make()
    for (let length = 0; length < token.length; length++) {
      expect(outcome(token.subarray(0, length))).toBe('malformed')
    }
    for (let more = 1; more < 200; more++) {
      expect(outcome(Buffer.concat([token, Buffer.alloc(more)]))).toBe('malformed')
    }
  })

  it.each([
    { cookieName: '__Host-other' },
    { cookieName: '__Host-i' },
    { cookieName: '__host-id' },
    { cookieName: '' },
    { purpose: 'csrf' },
    { purpose: '' },
    { purpose: 'sessio', cookieName: `n${NAME}` },
  ])('refuses one made for %j (R-054)', (changes) => {
    expect(outcome(make(changes))).toBe('bad-signature')
  })

  it('refuses one of another cookie of the same keys (R-054, R-055)', () => {
    const other = nativeCodec({ cookieName: 'other', authKeys: [KEY], encryptionKeys: [KEY] })
    expect(outcome(make(), other)).toBe('bad-signature')
    expect(outcome(other.encode(TOKEN))).toBe('bad-signature')
  })

  it.each([{ version: 0 }, { version: 2 }, { home: 1 }, { flags: 2 }, { flags: 3 }, { flags: 128 }])(
    'refuses a genuine one of %j (R-051)',
    (changes) => {
      expect(outcome(make(changes))).toBe('malformed')
    },
  )

  it.each([
    '0f8fad5bd9cb169fa16570867728950e',
    '0f8fad5bd9cb469fc16570867728950e',
    '0f8fad5bd9cb469f216570867728950e',
    '00000000000000000000000000000000',
    'ffffffffffffffffffffffffffffffff',
  ])('refuses a genuine one whose id is no UUID v4: %s', (id) => {
    expect(codec.decode(make({ id }).toString('base64url'), NOW)).toEqual({
      ok: false,
      reason: 'malformed',
      id: undefined,
    })
  })

  it('refuses one of a key that is not listed (R-052)', () => {
    expect(outcome(make({ key: new Uint8Array(32).fill(2) }))).toBe('unknown-key')
  })

  it('refuses one of another key under the id of a listed one (R-052)', () => {
    const forged = make({ key: new Uint8Array(32).fill(2) })
    make().copy(forged, 3, 3, 7)
    expect(outcome(forged)).toBe('bad-signature')
  })

  it('does no cryptography for what is not built like a token', () => {
    const token = make()
    const texts = [token.subarray(1), flipped(token, 0, 0), flipped(token, 1, 7), flipped(token, 4, 0)]
    const spies = [vi.spyOn(crypto, 'createHmac'), vi.spyOn(crypto, 'createDecipheriv')]
    for (const text of [...texts, 'x'.repeat(1_000_000)]) expect(outcome(text)).not.toBe('ok')
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0])
  })
})

describe('nativeCodec, reading tokens of neither form', () => {
  it('refuses a signed token that is flagged as encrypted, and the reverse (R-051)', () => {
    const signed = handMadeSignedToken({ ...PARTS, flags: 1 })
    const encrypted = handMadeEncryptedToken({ ...PARTS, flags: 0 })
    expect([outcome(signed), outcome(encrypted)]).toEqual(['malformed', 'malformed'])
  })

  it('does not so much as decode a text of another length', () => {
    const write = vi.spyOn(Buffer.prototype, 'write')
    for (const length of [0, 126, 128, 131, 133, 256, 16_384])
      expect(outcome('A'.repeat(length))).toBe('malformed')
    expect(write).not.toHaveBeenCalled()
    outcome('A'.repeat(132))
    expect(write).toHaveBeenCalledOnce()
  })

  it('refuses an empty or absent signature (R-051)', () => {
    const token = handMadeSignedToken(PARTS)
    expect(outcome(Buffer.concat([token.subarray(0, 67), Buffer.alloc(32)]))).toBe('bad-signature')
    expect(outcome(token.subarray(0, 67))).toBe('malformed')
  })

  it('refuses every spelling but the canonical one (R-034)', () => {
    const text = handMadeEncryptedToken({ ...PARTS, flags: 1 }).toString('base64url')
    const last = text.slice(-1)
    // 127 characters carry 762 bits, the token has 760: four last characters spell the same bytes.
    const twins = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(
      (character) => {
        const other = Buffer.from(text.slice(0, -1) + character, 'base64url')
        return other.equals(Buffer.from(text, 'base64url'))
      },
    )
    expect(twins).toHaveLength(4)
    for (const twin of twins) {
      expect(outcome(text.slice(0, -1) + twin)).toBe(twin === last ? 'ok' : 'malformed')
    }
  })

  it('refuses the alphabet of plain base64 (R-034)', () => {
    const withBoth = Array.from({ length: 256 }, (_, byte) => new Uint8Array(32).fill(byte))
      .map((secret) => handMadeSignedToken({ ...PARTS, secret }).toString('base64url'))
      .find((text) => text.includes('-') && text.includes('_'))
    expect(outcome(withBoth ?? '')).toBe('ok')
    expect(outcome(withBoth?.replaceAll('-', '+') ?? '')).toBe('malformed')
    expect(outcome(withBoth?.replaceAll('_', '/') ?? '')).toBe('malformed')
  })

  it.each([
    '',
    '.',
    'null',
    's:id.signature',
    '{"alg":"none"}',
    'eyJhbGciOiJub25lIn0..',
    '\u0000'.repeat(132),
    '='.repeat(127),
    'A'.repeat(132),
    '_'.repeat(127),
  ])('refuses %j (R-004, R-051)', (text) => {
    expect(codec.decode(text, NOW)).toEqual({ ok: false, reason: 'malformed', id: undefined })
  })
})
