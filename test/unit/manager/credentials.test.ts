import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { nativeCodec } from '../../../src/cookies/native.ts'
import { sha256Hex } from '../../../src/internal/sha256.ts'
import { AUTH_KEY, World } from './world.ts'

const SECRET_BITS = 256

/** The id and the secret that a token of these tests holds. */
function read(token: string, now: number) {
  const authKeys = [new TextEncoder().encode(AUTH_KEY)]
  const codec = nativeCodec({ cookieName: '__Host-id', authKeys, encryptionKeys: [] })
  const decoded = codec.decode(token, now)
  return decoded.ok ? decoded.token : expect.unreachable('the token cannot be read')
}

describe('a session’s secret', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })

  it('is 32 bytes in which every bit falls either way, and never comes twice (R-006, R-066, R-091, R-203)', async () => {
    const world = new World()
    const secrets: Uint8Array[] = []
    for (let n = 0; n < 1000; n++) {
      const { token = '' } = await world.browserWith('ada')
      secrets.push(read(token, world.now).secret)
    }
    expect(new Set(secrets.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(secrets.length)
    expect(new Set(secrets.map(({ length }) => length * 8))).toEqual(new Set([SECRET_BITS]))
    for (let bit = 0; bit < SECRET_BITS; bit++) {
      const ones = secrets.filter((secret) => ((secret[bit >> 3] ?? 0) >> (bit & 7)) & 1).length
      // Six standard deviations round the half: once in two million runs for all bits together.
      expect(Math.abs(ones - 500)).toBeLessThan(6 * Math.sqrt(250))
    }
  })

  it('has no substitute where the system gives no random bytes (R-006)', async () => {
    const world = new World()
    vi.spyOn(crypto, 'randomBytes').mockImplementation(() => {
      throw new Error('no entropy')
    })
    syncBuiltinESMExports() // so that `import { randomBytes }` sees the spy too
    const visit = await world.browser().visit()
    visit.session.setUserId('ada')
    const { error, cookie } = await visit.answer()
    expect(error).toMatchObject({ message: 'no entropy' })
    expect(cookie).toBeUndefined()
    expect(world.store.writes).toEqual([])
  })

  it('is not in the store, and nothing in the store is good as a cookie (rule 9, R-093)', async () => {
    const world = new World()
    const { token = '' } = await world.browserWith('ada', { note: 'hunter2' })
    const { id, secret } = read(token, world.now)
    const record = await world.store.get(id, world.now)
    const dump = JSON.stringify(record)
    for (const form of ['hex', 'base64', 'base64url', 'latin1'] as const)
      expect(dump).not.toContain(Buffer.from(secret).toString(form))
    expect(dump).not.toContain(token)
    expect(record?.secretHash).toBe(sha256Hex(secret))
    for (const text of [id, record?.secretHash ?? '', `${id}.${record?.secretHash}`])
      expect((await world.browser(text).visit()).session.userId).toBeUndefined()
  })
})

describe('the cookie', () => {
  it('holds nothing of the user and no value (R-075, R-092, R-215)', async () => {
    const world = new World()
    const { token = '' } = await world.browserWith('ada@example.com', { note: 'hunter2' })
    const bytes = Buffer.from(token, 'base64url').toString('latin1')
    for (const part of ['ada', 'example', 'note', 'hunter2']) {
      expect(bytes).not.toContain(part)
      expect(token).not.toContain(part)
    }
    const other = await world.browserWith('somebody with another, much longer name', { n: 'x'.repeat(1000) })
    expect(other.token).toHaveLength(token.length)
  })
})
