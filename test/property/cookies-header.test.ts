import { parseCookie } from 'cookie'
import fc from 'fast-check'
import { parseSetCookie } from 'set-cookie-parser'
import { Cookie, CookieJar } from 'tough-cookie'
import { describe, expect, it } from 'vitest'
import { readCookies, replaceSetCookie, serializeCookie } from '../../src/cookies/header.ts'
import type { SetCookie } from '../../src/exchange.ts'

const NAME = '__Host-id'

/** Pieces of which headers are made that are nearly, but often not, what a browser sends. */
const piece = fc.oneof(
  fc.constantFrom(NAME, '=', ';', '; ', ' ', '\t', '"', '%', '\u00a0', '\v', NAME.toLowerCase(), `${NAME}=`),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const header = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))

/** The algorithm of RFC 6265bis 5.8.3 read backwards, by a full parse: slow and plain. */
function parseAll(text: string): { name: string; value: string }[] {
  const strip = (part: string) => part.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
  return text
    .split(';')
    .filter((pair) => pair.includes('='))
    .map((pair) => ({
      name: strip(pair.split('=')[0] ?? ''),
      value: strip(pair.slice(pair.indexOf('=') + 1)),
    }))
}

describe('readCookies', () => {
  it('never throws, whatever a client sends, and ends whatever the name (R-156)', () => {
    fc.assert(
      fc.property(
        header,
        fc.oneof(fc.constant(NAME), fc.string({ unit: 'binary' })),
        fc.nat(5),
        (text, name, limit) => {
          expect(readCookies(text, name, limit).length).toBeLessThanOrEqual(limit)
        },
      ),
    )
  })

  it('finds what a full parse finds (R-156, R-157, R-158, R-159)', () => {
    fc.assert(
      fc.property(header, (text) => {
        const pairs = parseAll(text).filter(({ name }) => name === NAME)
        const distinct = [...new Set(pairs.map(({ value }) => value))]
        expect(readCookies(text, NAME, Number.POSITIVE_INFINITY)).toEqual(distinct)
      }),
      { numRuns: 500 },
    )
  })

  it('finds first what the package cookie finds', () => {
    fc.assert(
      fc.property(header, (text) => {
        // Without its percent-decoding, which no user agent does.
        const other = parseCookie(text, { decode: (value) => value })[NAME]
        expect(readCookies(text, NAME, 1)).toEqual(other === undefined ? [] : [other])
      }),
      { numRuns: 500 },
    )
  })
})

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/)
// set-cookie-parser drops names that every object has ("valueOf").
const plainName = token.filter((name) => !name.startsWith('__') && !(name in {}))
const value = fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,100}$/)
const path = fc
  .stringMatching(/^\/[\w./%-]{0,20}$/)
  .filter((text) => new URL(`http://a${text}`).pathname === text)
const hostOnly = { path: '/', domain: undefined, secure: true }

/** Cookies that a browser at https://app.example.com keeps: each prefix with the attributes that it demands. */
const anyCookie: fc.Arbitrary<SetCookie> = fc
  .record({
    name: plainName,
    value,
    path,
    domain: fc.constantFrom(undefined, 'example.com', 'app.example.com'),
    secure: fc.boolean(),
    httpOnly: fc.boolean(),
    sameSite: fc.constantFrom('strict', 'lax', 'none'),
    partitioned: fc.boolean(),
    maxAge: fc.option(fc.integer({ min: 1, max: 34_560_000 }), { nil: undefined }),
  })
  .chain((cookie) =>
    fc.constantFrom<SetCookie>(
      cookie.secure ? cookie : { ...cookie, sameSite: 'lax', partitioned: false },
      { ...cookie, name: `__Secure-${cookie.name}`, secure: true },
      { ...cookie, name: `__Host-${cookie.name}`, ...hostOnly },
      { ...cookie, name: `__Http-${cookie.name}`, secure: true, httpOnly: true },
      { ...cookie, name: `__Host-Http-${cookie.name}`, ...hostOnly, httpOnly: true },
    ),
  )

/** The same request, as the browser's jar sees it. */
const urlOf = (cookie: SetCookie) => `https://app.example.com${cookie.path}`

function newJar(): CookieJar {
  return new CookieJar(undefined, { prefixSecurity: 'strict' })
}

describe('serializeCookie', () => {
  it('writes what set-cookie-parser reads as the same attributes, each once (R-145, R-147)', () => {
    fc.assert(
      fc.property(anyCookie, (cookie) => {
        const line = serializeCookie(cookie)
        const {
          name,
          value: read,
          sameSite,
          ...attributes
        } = parseSetCookie(line, { decodeValues: false })[0] ?? {}
        expect({ name, value: read, sameSite: sameSite?.toLowerCase() }).toEqual({
          name: cookie.name,
          value: cookie.value,
          sameSite: cookie.sameSite,
        })
        expect({ ...attributes }).toEqual({
          path: cookie.path,
          ...(cookie.domain !== undefined && { domain: cookie.domain }),
          ...(cookie.maxAge !== undefined && { maxAge: cookie.maxAge }),
          ...(cookie.httpOnly && { httpOnly: true }),
          ...(cookie.secure && { secure: true }),
          ...(cookie.partitioned && { partitioned: true }),
        })
        const names = line.split('; ').map((part) => part.split('=')[0]?.toLowerCase())
        expect(new Set(names.slice(1)).size).toBe(names.length - 1)
      }),
    )
  })

  it('writes what a strict jar keeps with the same attributes and sends back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(anyCookie, async (cookie) => {
        const jar = newJar()
        await jar.setCookie(serializeCookie(cookie), urlOf(cookie))
        const [kept, ...others] = await jar.getCookies(urlOf(cookie))
        expect(others).toEqual([])
        expect(kept).toMatchObject({
          key: cookie.name,
          value: cookie.value,
          path: cookie.path,
          domain: cookie.domain ?? 'app.example.com',
          hostOnly: cookie.domain === undefined,
          secure: cookie.secure,
          httpOnly: cookie.httpOnly,
          sameSite: cookie.sameSite,
          maxAge: cookie.maxAge ?? null,
          extensions: cookie.partitioned ? ['Partitioned'] : null,
        })
        const sent = await jar.getCookieString(urlOf(cookie))
        expect(readCookies(sent, cookie.name, 9)).toEqual([cookie.value])
      }),
    )
  })

  it('deletes from the jar what it put there', async () => {
    await fc.assert(
      fc.asyncProperty(anyCookie, async (cookie) => {
        const jar = newJar()
        await jar.setCookie(serializeCookie(cookie), urlOf(cookie))
        await jar.setCookie(serializeCookie({ ...cookie, value: '', maxAge: 0 }), urlOf(cookie))
        expect(await jar.getCookies(urlOf(cookie))).toEqual([])
      }),
    )
  })
})

describe('replaceSetCookie', () => {
  it('keeps every cookie of others and one of its own, for any lines that were there (R-148)', () => {
    const lines = fc.array(fc.oneof(header, anyCookie.map(serializeCookie)), { maxLength: 6 })
    fc.assert(
      fc.property(lines, anyCookie, (before, cookie) => {
        const after = replaceSetCookie(before, cookie)
        const nameOf = (line: string) => Cookie.parse(line, { loose: true })?.key
        expect(
          after.filter((line) => parseAll(line.split(';')[0] ?? '')[0]?.name === cookie.name),
        ).toHaveLength(1)
        expect(after.slice(0, -1)).toEqual(
          before.filter((line) => parseAll(line.split(';')[0] ?? '')[0]?.name !== cookie.name),
        )
        expect(nameOf(after.at(-1) ?? '')).toBe(cookie.name)
      }),
    )
  })
})
