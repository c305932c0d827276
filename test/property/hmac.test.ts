import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Hmac } from '../../src/internal/hmac.ts'

describe('Hmac', () => {
  it('is HMAC-SHA-256 of the prefix and the message, call after call', () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 64 })
    const prefix = fc.uint8Array({ maxLength: 100 })
    const messages = fc
      .integer({ min: 0, max: 200 })
      .chain((length) =>
        fc.tuple(
          fc.constant(length),
          fc.array(fc.uint8Array({ minLength: length, maxLength: length + 9 }), {
            minLength: 1,
            maxLength: 3,
          }),
        ),
      )
    fc.assert(
      fc.property(key, prefix, messages, (material, before, [length, texts]) => {
        const hmac = new Hmac(material, before, length)
        for (const text of texts) {
          const message = Buffer.from(text)
          const expected = createHmac('sha256', material).update(before).update(message.subarray(0, length))
          expect(hmac.digest(message).toString('hex')).toBe(expected.digest('hex'))
        }
      }),
    )
  })

  it('refuses a key that HMAC would hash first', () => {
    expect(() => new Hmac(new Uint8Array(65), new Uint8Array(), 1)).toThrow(RangeError)
  })
})
