import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Token } from '../../src/cookies/codec.ts'
import { nativeCodec } from '../../src/cookies/native.ts'
import { readBase64url } from '../../src/internal/base64url.ts'

const LAST_INSTANT = 2 ** 48 - 1

const key = fc.uint8Array({ minLength: 32, maxLength: 64 })
const codec = fc
  .record({
    cookieName: fc.string({ minLength: 1 }),
    authKeys: fc.array(key, { minLength: 1, maxLength: 3 }),
    encryptionKeys: fc.array(key, { maxLength: 2 }),
  })
  .map(nativeCodec)

const token: fc.Arbitrary<Token> = fc.record({
  id: fc.uuid({ version: 4 }),
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  issuedAt: fc.integer({ min: 0, max: LAST_INSTANT }),
  absoluteEnd: fc.integer({ min: 1, max: LAST_INSTANT }),
})

const aCodec = nativeCodec({
  cookieName: 'id',
  authKeys: [new Uint8Array(32).fill(1)],
  encryptionKeys: [new Uint8Array(32).fill(2)],
})

describe('nativeCodec', () => {
  it('reads every token as it was made, in one spelling of at most 256 cookie-octets', () => {
    fc.assert(
      fc.property(codec, token, (someCodec, made) => {
        const text = someCodec.encode(made)
        expect(text).toMatch(/^[\w-]{1,256}$/)
        const now = Math.min(made.issuedAt, made.absoluteEnd - 1)
        const decoded = someCodec.decode(text, now)
        if (made.issuedAt > now + 60_000) {
          expect(decoded).toEqual({ ok: false, reason: 'from-the-future', id: made.id })
        } else {
          expect(decoded).toEqual({ ok: true, token: made })
        }
      }),
    )
  })

  it('never throws and never accepts, whatever text comes (R-004, R-061)', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary', minLength: 127, maxLength: 132 }),
      fc.constantFrom(95, 99).chain((length) =>
        // Built like a token as far as the header goes.
        fc
          .uint8Array({ minLength: length, maxLength: length })
          .map((bytes) =>
            Buffer.from([1, length === 95 ? 1 : 0, 0, ...bytes.subarray(3)]).toString('base64url'),
          ),
      ),
    )
    fc.assert(
      fc.property(text, fc.integer(), (anything, now) => {
        expect(aCodec.decode(anything, now).ok).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('accepts no token of another codec', () => {
    fc.assert(
      fc.property(codec, token, (other, made) => {
        expect(aCodec.decode(other.encode(made), 0).ok).toBe(false)
      }),
    )
  })
})

describe('readBase64url', () => {
  it('reads a text exactly when its bytes are written as that text', () => {
    const text = fc.oneof(
      fc.stringMatching(/^[\w+/=-]{0,12}$/),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64url')),
    )
    fc.assert(
      fc.property(text, (anything) => {
        const plain = anything.replaceAll('-', '+').replaceAll('_', '/')
        const isCanonical =
          /^[\w-]*$/.test(anything) &&
          Buffer.from(plain, 'base64').toString('base64').replace(/=+$/, '') === plain
        expect(readBase64url(anything, Buffer.alloc(64)) !== undefined).toBe(isCanonical)
      }),
    )
  })
})
