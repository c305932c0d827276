import { performance } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { type CookieAttributes, cookieProblem, readCookies } from '../../../src/cookies/header.ts'

const NAME = '__Host-id'
const LIMIT = 3

describe('readCookies', () => {
  const read = (header: string | undefined, limit = LIMIT) => readCookies(header, NAME, limit)

  it('reads the one cookie of the name among others', () => {
    expect(read('a=1; __Host-id=token; b=2')).toEqual(['token'])
  })

  it('reads it at the start, at the end and without a space between pairs', () => {
    expect(read('__Host-id=token;b=2')).toEqual(['token'])
    expect(read('b=2;__Host-id=token')).toEqual(['token'])
    expect(read('__Host-id=token')).toEqual(['token'])
  })

  it('reads nothing where there is no header, an empty one, or no such cookie', () => {
    expect(read(undefined)).toEqual([])
    expect(read('')).toEqual([])
    expect(read('a=1; b=2')).toEqual([])
    expect(readCookies('=x; ;', '', LIMIT)).toEqual([])
  })

  it('goes on behind a name of one character that stands inside a pair, at its very end too', () => {
    expect(readCookies('b=a; a=1; aa=2; ca', 'a', LIMIT)).toEqual(['1'])
  })

  it('reads every distinct value in the order sent, at most as many as asked for (R-162)', () => {
    const header = '__Host-id=a; x=1; __Host-id=b; __Host-id=a; __Host-id=c; __Host-id=d'
    expect(read(header, 9)).toEqual(['a', 'b', 'c', 'd'])
    expect(read(header, 3)).toEqual(['a', 'b', 'c'])
    expect(read(header, 1)).toEqual(['a'])
    expect(read(header, 0)).toEqual([])
  })

  it('reads every pair of Cookie lines that were joined (R-161)', () => {
    expect(read(['a=1', '__Host-id=token', 'b=2'].join('; '))).toEqual(['token'])
  })

  it.each([' ', '\t', ' \t '])('strips %j round name and value (R-156)', (blank) => {
    expect(read(`a=1;${blank}__Host-id${blank}=${blank}token${blank}; b=2`)).toEqual(['token'])
    expect(read(`${blank}__Host-id=token${blank}`)).toEqual(['token'])
    expect(read(`__Host-id=${blank}`)).toEqual([''])
  })

  it('keeps blanks inside a value (R-156)', () => {
    expect(read('__Host-id= a \t b ')).toEqual(['a \t b'])
  })

  it.each(['\u00a0', '\ufeff', '\v', '\f', '\r', '\n', '\u2003', '\u0000', '\u0085'])(
    'takes %j for a part of the name or the value, not for white space (R-156)',
    (character) => {
      expect(read(`${character}__Host-id=evil`)).toEqual([])
      expect(read(`__Host-id${character}=evil`)).toEqual([])
      expect(read(`a=1; ${character}__Host-id=evil`)).toEqual([])
      expect(read(`__Host-id=${character}x${character}`)).toEqual([`${character}x${character}`])
    },
  )

  it.each(['__%48ost-id=evil', '%5F_Host-id=evil', '__Host%2Did=evil'])(
    'does not decode the name in %j (R-157)',
    (header) => {
      expect(read(header)).toEqual([])
    },
  )

  it('hands the value out as it came: no decoding, no quotes stripped (R-157, R-034)', () => {
    expect(read('__Host-id=%2541')).toEqual(['%2541'])
    expect(read('__Host-id="token"')).toEqual(['"token"'])
    expect(read('__Host-id="a;b"')).toEqual(['"a'])
  })

  it('splits at the first = (R-158)', () => {
    expect(read('__Host-id=a=b==')).toEqual(['a=b=='])
    expect(read('__Host-id==x')).toEqual(['=x'])
  })

  it.each([
    '=__Host-id=evil',
    ' = __Host-id=evil',
    '==__Host-id=evil',
    '__Host-id',
    '__Host-id; a=1',
    'a=1; __Host-id',
    '__Host-id; =evil',
    'a=__Host-id=evil',
    'a= __Host-id=evil',
    'a=b __Host-id=evil',
    'x__Host-id=evil',
    '__Host-idx=evil',
    '__Host-id x=evil',
    '"__Host-id"=evil',
    ',__Host-id=evil',
  ])('finds no cookie of the name in %j (R-158)', (header) => {
    expect(read(header)).toEqual([])
  })

  it.each(['__HOST-id', '__host-id', '__Host-ID', '__Hoſt-id'])('does not read %s (R-159)', (other) => {
    expect(read(`${other}=evil`)).toEqual([])
    expect(read(`${other}=evil; __Host-id=token`)).toEqual(['token'])
  })

  it('finds the cookie behind pairs that only look like it', () => {
    expect(read('__Host-id; x__Host-id=1; __Host-idx=2; a=__Host-id=3; __Host-id=token')).toEqual(['token'])
    expect(readCookies('aaa=1; aa=2; a=3', 'a', LIMIT)).toEqual(['3'])
  })

  it.each([
    'a=;',
    '====',
    ';;;;',
    '""""',
    '    ',
    '__Host-id',
    '__Host-id ',
    '__Host-id=',
    '__Host-id=;',
    '__Host-id ;',
    '_',
  ])('takes time in proportion to the length of 1 MiB of %j (R-037)', (part) => {
    // 64 times what Node accepts: a quadratic scan would take minutes.
    const header = part.repeat((1024 * 1024) / part.length)
    const start = performance.now()
    readCookies(header, NAME, LIMIT)
    expect(performance.now() - start).toBeLessThan(1_000)
  })
})

const SOUND: CookieAttributes = {
  name: NAME,
  path: '/',
  domain: undefined,
  secure: true,
  httpOnly: true,
  sameSite: 'lax',
  partitioned: false,
}

/** What a user may pass in plain JavaScript. */
const problemOf = (changes: Record<string, unknown>) => cookieProblem({ ...SOUND, ...changes }) // wrong types are the point

describe('cookieProblem', () => {
  it('finds nothing wrong with the defaults (R-022)', () => {
    expect(cookieProblem(SOUND)).toBeUndefined()
  })

  it.each([
    '',
    'a b',
    'a=b',
    'a;b',
    'a,b',
    '"a"',
    'a\tb',
    'a\n',
    '\u0000',
    'é',
    '\u0100',
    'a/b',
    'a:b',
    '{}',
    undefined,
    1,
  ])('refuses the name %j (R-145, R-146)', (name) => {
    expect(problemOf({ name })).toMatch(/^cookie\.name must be one or more/)
  })

  it('refuses a name with which a token would not fit in 4096 bytes (R-154)', () => {
    expect(problemOf({ name: 'n'.repeat(3_841) })).toMatch(/^cookie\.name must be at most 3840/)
    expect(problemOf({ name: 'n'.repeat(3_840) })).toBeUndefined()
  })

  it.each(['app', '', 'https://a/', undefined, 1])('refuses the path %j (R-153)', (path) => {
    expect(problemOf({ name: 'id', path })).toBe('cookie.path must begin with /')
  })

  it.each(['/a;b', '/a;b/c', '/a b', '/a,b', '/a,b/', '/a\r', '/\u0000', '/\u007f', '/é', '/\u0100', '/a\t'])(
    'refuses the path %j (R-035, R-145, R-155)',
    (path) => {
      expect(problemOf({ name: 'id', path })).toMatch(/^cookie\.path must be as browsers send it/)
    },
  )

  it.each(['/.', '/..', '/a/../b', '/a/./b', '/%2e%2E/b', '/a?b', '/a#b', '/a\\b', '/"'])(
    'refuses the path %j, which no URL has (R-153)',
    (path) => {
      expect(problemOf({ name: 'id', path })).toMatch(/^cookie\.path must be as browsers send it/)
    },
  )

  it.each(['/', '//', '/a/', '/a.b/..c', '/%20', "/~a:b@c=d&e!$'()*+-_"])(
    'takes the path %j (R-153)',
    (path) => {
      expect(problemOf({ name: 'id', path })).toBeUndefined()
    },
  )

  it('refuses a path over 1024 bytes (R-153)', () => {
    expect(problemOf({ name: 'id', path: `/${'a'.repeat(1_024)}` })).toMatch(
      /^cookie\.path must be at most 1024/,
    )
    expect(problemOf({ name: 'id', path: `/${'a'.repeat(1_023)}` })).toBeUndefined()
  })

  it.each([
    '',
    '.',
    'com',
    '.com',
    '.example.com',
    'example.com.',
    'example..com',
    'example.com:443',
    'https://example.com',
    'ex ample.com',
    'exämple.com',
    '-a.example.com',
    'a-.example.com',
    'a_b.example.com',
    '127.0.0.1',
    '[::1]',
    '::1',
    'example.com;x',
    'example.com\r\n',
    'example.com/',
    '*.example.com',
    `${'a'.repeat(64)}.com`,
    `${'a.'.repeat(125)}comm`,
    `${'a.'.repeat(126)}com`,
    null,
    1,
    false,
  ])('refuses the domain %j (R-035, R-152)', (domain) => {
    expect(problemOf({ name: 'id', domain })).toMatch(/^cookie\.domain must be a host name/)
  })

  it.each([
    'example.com',
    'app.example.com',
    'a.b',
    'EXAMPLE.com',
    'xn--exmple-cua.com',
    '4.example.com',
    'example.xn--p1ai',
    'localhost',
    `${'a'.repeat(63)}.com`,
    `${'a.'.repeat(125)}com`,
  ])('takes the domain %s (R-152)', (domain) => {
    expect(problemOf({ name: 'id', domain })).toBeUndefined()
  })

  it.each(['Lax', 'LAX', 'nonsense', '', true, undefined, 'constructor', 'toString'])(
    'refuses sameSite %j (R-023, R-165)',
    (sameSite) => {
      expect(problemOf({ sameSite })).toBe('cookie.sameSite must be "strict", "lax" or "none"')
    },
  )

  it.each(['secure', 'httpOnly', 'partitioned'])('refuses a %s that is no boolean', (flag) => {
    for (const value of [undefined, 'false', 0, null]) {
      expect(problemOf({ name: 'id', [flag]: value })).toBe(`cookie.${flag} must be true or false`)
    }
  })

  it('refuses sameSite "none" without secure (R-023)', () => {
    expect(problemOf({ name: 'id', secure: false, sameSite: 'none' })).toBe(
      'cookie.sameSite "none" needs cookie.secure',
    )
    expect(problemOf({ sameSite: 'none' })).toBeUndefined()
  })

  it('refuses partitioned without secure (R-169)', () => {
    expect(problemOf({ name: 'id', secure: false, partitioned: true })).toBe(
      'cookie.partitioned needs cookie.secure',
    )
    expect(problemOf({ partitioned: true, sameSite: 'none' })).toBeUndefined()
  })
})

describe('cookieProblem, on the prefix of a name', () => {
  const BREACHES = {
    secure: { secure: false },
    httpOnly: { httpOnly: false },
    domain: { domain: 'example.com' },
    path: { path: '/app' },
  } as const

  const RULES = [
    { prefix: '__Host-Http-', demands: ['secure', 'httpOnly', 'domain', 'path'] },
    { prefix: '__Host-', demands: ['secure', 'domain', 'path'] },
    { prefix: '__Http-', demands: ['secure', 'httpOnly'] },
    { prefix: '__Secure-', demands: ['secure'] },
    { prefix: '', demands: [] },
    { prefix: '__Other-', demands: [] },
    { prefix: 'x__Host-', demands: [] },
  ]

  const spellings = (prefix: string) => [prefix, prefix.toLowerCase(), prefix.toUpperCase()]

  const CASES = RULES.flatMap(({ prefix, demands }) =>
    spellings(prefix).flatMap((spelling) =>
      Object.entries(BREACHES).map(([option, breach]) => ({
        name: `${spelling}id`,
        prefix,
        option,
        breach,
        isRefused: demands.includes(option),
      })),
    ),
  )

  it.each(CASES)('$name with $breach: refused is $isRefused (R-022, R-024, R-159, R-160)', (aCase) => {
    const problem = problemOf({ name: aCase.name, ...aCase.breach })
    if (!aCase.isRefused) return expect(problem).toBeUndefined()
    expect(problem).toMatch(new RegExp(`^cookie\\.${aCase.option} must be .* ${aCase.prefix}(;|$)`))
  })

  it('names the way to share a cookie between hosts (R-024)', () => {
    expect(problemOf({ domain: 'example.com' })).toContain('__Secure-')
  })
})
