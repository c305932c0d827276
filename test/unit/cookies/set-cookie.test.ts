import { describe, expect, it } from 'vitest'
import { replaceSetCookie, serializeCookie } from '../../../src/cookies/header.ts'
import { ValueError } from '../../../src/errors.ts'
import type { SetCookie } from '../../../src/exchange.ts'

function aCookie(changes: Partial<SetCookie> = {}): SetCookie {
  return {
    name: '__Host-id',
    value: 'token',
    path: '/',
    domain: undefined,
    secure: true,
    httpOnly: true,
    sameSite: 'lax',
    partitioned: false,
    maxAge: undefined,
    ...changes,
  }
}

/** Every character from U+0000 to U+0100, and some beyond. */
const CHARACTERS = [...Array(0x101).keys(), 0x2028, 0xfeff, 0xd800].map((code) => String.fromCharCode(code))

describe('serializeCookie', () => {
  it('writes the attributes in one fixed order', () => {
    expect(serializeCookie(aCookie())).toBe('__Host-id=token; Path=/; HttpOnly; Secure; SameSite=Lax')
    expect(
      serializeCookie(
        aCookie({
          name: 'id',
          path: '/app',
          domain: 'example.com',
          sameSite: 'none',
          partitioned: true,
          maxAge: 60,
        }),
      ),
    ).toBe(
      'id=token; Path=/app; Domain=example.com; Max-Age=60; HttpOnly; Secure; SameSite=None; Partitioned',
    )
  })

  it.each([
    ['strict', 'Strict'],
    ['lax', 'Lax'],
    ['none', 'None'],
  ] as const)('spells out sameSite %s, on a deletion as well (R-023, R-140)', (sameSite, written) => {
    expect(serializeCookie(aCookie({ sameSite }))).toMatch(new RegExp(`; SameSite=${written}$`))
    expect(serializeCookie(aCookie({ sameSite, maxAge: 0 }))).toMatch(new RegExp(`; SameSite=${written}$`))
  })

  it('deletes with Max-Age=0 and a date in the past, under all the attributes of the cookie (R-150, R-169)', () => {
    expect(serializeCookie(aCookie({ value: '', maxAge: 0, sameSite: 'none', partitioned: true }))).toBe(
      '__Host-id=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=None; Partitioned',
    )
  })

  it('leaves out the flags that are false', () => {
    expect(serializeCookie(aCookie({ name: 'id', secure: false, httpOnly: false }))).toBe(
      'id=token; Path=/; SameSite=Lax',
    )
  })

  it.each([0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 1e21, 34_560_001, '3600', null, true])(
    'refuses maxAge %j (R-151)',
    (maxAge) => {
      const cookie = aCookie({ maxAge: maxAge as number }) // wrong types are the point
      expect(() => serializeCookie(cookie)).toThrow(ValueError)
      expect(() => serializeCookie(cookie)).toThrow('cookie maxAge must be whole seconds from 0 to 34560000')
    },
  )

  it.each([1, 34_560_000])('sends maxAge %j as digits (R-151)', (maxAge) => {
    expect(serializeCookie(aCookie({ maxAge }))).toContain(`; Max-Age=${maxAge};`)
  })

  it('sends -0 as 0 (R-151)', () => {
    expect(serializeCookie(aCookie({ maxAge: -0 }))).toContain('; Max-Age=0;')
  })

  it('takes cookie-octets in a value and nothing else (R-145, R-155)', () => {
    const taken = CHARACTERS.filter((character) => accepts({ value: `a${character}b` }))
    expect(taken.join('')).toBe(
      "!#$%&'()*+-./0123456789:<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~",
    )
  })

  it('takes the characters of a token in a name and nothing else (R-145)', () => {
    const taken = CHARACTERS.filter((character) => accepts({ name: `a${character}b` }))
    expect(taken.join('')).toBe(
      "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
    )
  })

  it('takes no character in a path that ends an attribute, a line or a header (R-035)', () => {
    const refused = CHARACTERS.filter((character) => !accepts({ name: 'id', path: `/a${character}b` }))
    const controls = CHARACTERS.filter((character) => character < ' ')
    const nonAscii = CHARACTERS.filter((character) => character > '~')
    expect(refused).toEqual(expect.arrayContaining([...controls, ...' ,;?#"<>', ...nonAscii]))
    expect(refused.filter((character) => /[\w/.~%!$&'()*+=:@-]/.test(character))).toEqual([])
  })

  it('takes letters, digits, dot and hyphen in a domain and nothing else (R-035, R-152)', () => {
    const taken = CHARACTERS.filter((character) => accepts({ name: 'id', domain: `a${character}b.com` }))
    expect(taken.join('')).toBe('-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
  })

  it('refuses a line break at the end of each part (R-035)', () => {
    for (const part of [{ name: 'id\n' }, { value: 'a\n' }, { path: '/\n' }, { domain: 'a.com\n' }]) {
      expect(accepts({ name: 'id', ...part })).toBe(false)
    }
  })

  it('counts name and value, 4096 bytes together (R-154, R-026)', () => {
    expect(accepts({ name: 'id', value: 'v'.repeat(4_094) })).toBe(true)
    const tooLong = aCookie({ name: 'id', value: 'v'.repeat(4_095) })
    expect(() => serializeCookie(tooLong)).toThrow(
      'cookie name and value must be at most 4096 bytes together',
    )
  })

  it.each([7, true, null, undefined])('refuses the value %j, which is no text', (value) => {
    const cookie = aCookie({ value: value as unknown as string }) // wrong types are the point
    expect(() => serializeCookie(cookie)).toThrow(/^cookie value must be ASCII/)
  })

  it('refuses what no user agent keeps, and never repeats the value in its message', () => {
    expect(() => serializeCookie(aCookie({ domain: 'example.com' }))).toThrow(
      /^cookie\.domain must be left out/,
    )
    expect(() => serializeCookie(aCookie({ value: 'sesame;' }))).toThrow(/^cookie value must be(?!.*sesame)/)
  })
})

function accepts(changes: Partial<SetCookie>): boolean {
  try {
    return serializeCookie(aCookie(changes)) !== ''
  } catch (error) {
    if (error instanceof ValueError) return false
    throw error
  }
}

describe('replaceSetCookie', () => {
  const LINE = serializeCookie(aCookie())

  it('adds the cookie behind those of others', () => {
    expect(replaceSetCookie([], aCookie())).toEqual([LINE])
    expect(replaceSetCookie(['a=1; Path=/', 'b=2'], aCookie())).toEqual(['a=1; Path=/', 'b=2', LINE])
  })

  it('leaves one line of the name, the last: sign-in and sign-out in one response (R-148)', () => {
    const signedIn = replaceSetCookie(['a=1'], aCookie({ value: 'secret' }))
    const signedOut = replaceSetCookie(signedIn, aCookie({ value: '', maxAge: 0 }))
    expect(signedOut).toEqual(['a=1', serializeCookie(aCookie({ value: '', maxAge: 0 }))])
  })

  it.each([
    '__Host-id=old',
    '__Host-id=',
    ' __Host-id = old; Path=/',
    '\t__Host-id\t=old',
    '__Host-id=old; Path=/x',
  ])('replaces %j (R-148)', (line) => {
    expect(replaceSetCookie(['a=1', line, 'b=2', line], aCookie())).toEqual(['a=1', 'b=2', LINE])
  })

  it.each([
    '__host-id=1',
    '__Host-id2=1',
    'x__Host-id=1',
    '__Host-id',
    '__Host-id; Path=/',
    '=__Host-id=1',
    'a=__Host-id=1',
    'a=1; __Host-id=1',
    '',
  ])('leaves %j as it is (R-148)', (line) => {
    expect(replaceSetCookie([line], aCookie())).toEqual([line, LINE])
  })

  it('leaves the list that it was given as it is', () => {
    const lines = Object.freeze(['__Host-id=old'])
    replaceSetCookie(lines, aCookie())
    expect(lines).toEqual(['__Host-id=old'])
  })
})
