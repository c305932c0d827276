import crypto from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { encodeBase64url, readBase64url } from '../../../src/internal/base64url.ts'
import { sha256Hex } from '../../../src/internal/sha256.ts'

describe('readBase64url', () => {
  it('reads what encodeBase64url wrote, for every length and byte', () => {
    for (let length = 0; length < 300; length++) {
      const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 7 + length) & 255))
      const into = Buffer.alloc(length)
      expect(readBase64url(encodeBase64url(bytes), into)).toBe(length)
      expect(into).toEqual(bytes)
    }
  })

  it('refuses a text of more bytes than there is room for', () => {
    expect(readBase64url('AAAA', Buffer.alloc(2))).toBeUndefined()
    expect(readBase64url('AAAA', Buffer.alloc(3))).toBe(3)
  })

  it.each([
    'A',
    'AB',
    'AAB',
    'AA==',
    'AAA=',
    'AA A',
    'AA\n',
    ' AA',
    '+A',
    '/w',
    'A+AA',
    'é',
    'AAAAA',
    'AAAA\u0141',
    'AA.A',
  ])('refuses %j', (text) => {
    expect(readBase64url(text, Buffer.alloc(16))).toBeUndefined()
  })
})

describe('sha256Hex', () => {
  const texts = ['', 'abc', 'é\u{1f511}', 'a'.repeat(100_000)]

  const expectTheSameAsCreateHash = () => {
    for (const text of texts) {
      const expected = crypto.createHash('sha256').update(text).digest('hex')
      expect(sha256Hex(text)).toBe(expected)
      expect(sha256Hex(Buffer.from(text))).toBe(expected)
      expect(sha256Hex(new Uint8Array(Buffer.from(text)))).toBe(expected)
    }
  }

  it('is the published digest of the published message', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  it('is what createHash makes of it', expectTheSameAsCreateHash)

  it('is the same where the runtime has no crypto.hash', () => {
    const createHash = vi.spyOn(crypto, 'createHash')
    const { hash } = crypto
    Object.assign(crypto, { hash: undefined })
    try {
      sha256Hex('abc')
      expect(createHash).toHaveBeenCalledOnce()
      expectTheSameAsCreateHash()
    } finally {
      Object.assign(crypto, { hash })
      createHash.mockRestore()
    }
  })
})
