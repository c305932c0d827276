import { ValueError } from '../errors.ts'
import type { SetCookie } from '../exchange.ts'

/** What a cookie's configuration decides: all of a {@link SetCookie} but its value and its lifetime. */
export type CookieAttributes = Omit<SetCookie, 'value' | 'maxAge'>

const SEMICOLON = 0x3b
const EQUALS = 0x3d
const SPACE = 0x20
const TAB = 0x09

/** User agents drop a cookie whose name and value together are longer (RFC 6265bis 5.6). */
const MAX_PAIR_BYTES = 4096
/** User agents ignore an attribute whose value is longer (RFC 6265bis 5.6). */
const MAX_ATTRIBUTE_BYTES = 1024
/** User agents cut a longer lifetime to this: 400 days (RFC 6265bis 5.5). */
export const MAX_AGE_LIMIT = 34_560_000
/** Leaves room for the longest token: 256 characters. */
const MAX_NAME_BYTES = MAX_PAIR_BYTES - 256

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const COOKIE_OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/
const PATH = /^\/[\x21-\x2b\x2d-\x3a\x3c-\x7e]*$/
const HOST_NAME =
  /^(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+[A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?$/
const MAX_HOST_NAME_BYTES = 253

const SAME_SITE = { strict: 'Strict', lax: 'Lax', none: 'None' } as const

/** What a name's prefix demands; a longer prefix stands before the one that it begins with. */
const PREFIXES = [
  { prefix: '__Host-Http-', httpOnly: true, hostOnly: true },
  { prefix: '__Host-', httpOnly: false, hostOnly: true },
  { prefix: '__Http-', httpOnly: true, hostOnly: false },
  { prefix: '__Secure-', httpOnly: false, hostOnly: false },
] as const

/**
 * Reads the cookies of one name out of a Cookie header, as they were sent: names are compared byte by byte,
 * nothing is decoded, and nothing but spaces and tabs is stripped.
 *
 * Several cookies of one name are normal where paths or domains overlap, and their order means nothing.
 *
 * @param name A token, as {@link cookieProblem} checks it.
 * @param limit How many values the caller is willing to check.
 * @returns the distinct values, at most `limit`.
 * @see RFC 6265bis 5.6 and 5.8.3
 */
export function readCookies(header: string | undefined, name: string, limit: number): string[] {
  const values: string[] = []
  if (header === undefined || name === '') return values
  let at = header.indexOf(name)
  while (at !== -1 && values.length < limit) {
    const semicolon = header.indexOf(';', at)
    const end = semicolon === -1 ? header.length : semicolon
    const value = valueOfPair(header, at, at + name.length, end)
    if (value !== undefined && !values.includes(value)) values.push(value)
    // A name that stands inside a pair is not that pair's name, so the rest of the pair is skipped as well.
    at = header.indexOf(name, end + 1)
  }
  return values
}

/** The value of the pair that ends at `end`, if what stands from `nameAt` to `nameEnd` is its whole name. */
function valueOfPair(header: string, nameAt: number, nameEnd: number, end: number): string | undefined {
  const pairAt = skipBlanksBack(header, nameAt)
  if (pairAt > 0 && header.charCodeAt(pairAt - 1) !== SEMICOLON) return undefined
  const equals = skipBlanks(header, nameEnd)
  if (header.charCodeAt(equals) !== EQUALS) return undefined
  const valueAt = skipBlanks(header, equals + 1)
  // From the end of an empty value this goes on back to the =: a slice that ends before its start is empty.
  return header.slice(valueAt, skipBlanksBack(header, end))
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (isBlank(text.charCodeAt(at))) at++
  return at
}

function skipBlanksBack(text: string, from: number): number {
  let at = from
  while (isBlank(text.charCodeAt(at - 1))) at--
  return at
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}

/**
 * Writes one Set-Cookie line.
 *
 * @throws {@link ValueError} a user agent would drop the cookie or read something else in it.
 * @see RFC 6265bis 4.1
 */
export function serializeCookie(cookie: SetCookie): string {
  const problem = cookieProblem(cookie) ?? valueProblem(cookie) ?? maxAgeProblem(cookie.maxAge)
  if (problem !== undefined) throw new ValueError(problem)
  let line = `${cookie.name}=${cookie.value}; Path=${cookie.path}`
  if (cookie.domain !== undefined) line += `; Domain=${cookie.domain}`
  if (cookie.maxAge !== undefined) line += `; Max-Age=${cookie.maxAge}`
  if (cookie.maxAge === 0) line += '; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
  if (cookie.httpOnly) line += '; HttpOnly'
  if (cookie.secure) line += '; Secure'
  line += `; SameSite=${SAME_SITE[cookie.sameSite]}`
  if (cookie.partitioned) line += '; Partitioned'
  return line
}

/**
 * Adds a cookie to a response's Set-Cookie lines, in place of any of the same name: which of two a user agent
 * keeps is not certain, and a token that was replaced must not leave at all.
 *
 * @param lines The response's Set-Cookie lines so far, whoever set them.
 * @throws {@link ValueError} as {@link serializeCookie}.
 */
export function replaceSetCookie(lines: readonly string[], cookie: SetCookie): string[] {
  const line = serializeCookie(cookie)
  return [...lines.filter((other) => !isSetCookieOf(other, cookie.name)), line]
}

function isSetCookieOf(line: string, name: string): boolean {
  const at = skipBlanks(line, 0)
  return line.startsWith(name, at) && line.charCodeAt(skipBlanks(line, at + name.length)) === EQUALS
}

/**
 * Finds the mistake in a cookie's configuration that would make user agents drop the cookie, send it to
 * others, or ignore an attribute. Takes what users pass, so types are checked as well.
 *
 * @returns a message that names the option as the user wrote it (`cookie.path must begin with /`).
 * @see RFC 6265bis 4.1.3, and draft-ietf-httpbis-layered-cookies for `__Http-` and `__Host-Http-`
 */
export function cookieProblem(cookie: CookieAttributes): string | undefined {
  return (
    nameProblem(cookie.name) ??
    pathProblem(cookie.path) ??
    domainProblem(cookie.domain) ??
    flagsProblem(cookie) ??
    prefixProblem(cookie)
  )
}

function nameProblem(name: string): string | undefined {
  if (typeof name !== 'string' || !TOKEN.test(name)) {
    return "cookie.name must be one or more letters, digits and characters of !#$%&'*+-.^_`|~"
  }
  return name.length > MAX_NAME_BYTES ? `cookie.name must be at most ${MAX_NAME_BYTES} characters` : undefined
}

function pathProblem(path: string): string | undefined {
  if (typeof path !== 'string' || !path.startsWith('/')) return 'cookie.path must begin with /'
  // User agents compare it with the path of a URL, so a spelling that no URL keeps ("/a/../b") never matches.
  if (!PATH.test(path) || new URL(`http://localhost${path}`).pathname !== path) {
    return 'cookie.path must be as browsers send it: percent-encoded, no ; , ? or #, no . or .. as a segment'
  }
  return path.length > MAX_ATTRIBUTE_BYTES
    ? `cookie.path must be at most ${MAX_ATTRIBUTE_BYTES} bytes`
    : undefined
}

function domainProblem(domain: string | undefined): string | undefined {
  if (domain === undefined || domain === 'localhost') return undefined
  if (typeof domain === 'string' && domain.length <= MAX_HOST_NAME_BYTES && HOST_NAME.test(domain)) {
    return undefined
  }
  return 'cookie.domain must be a host name such as example.com: ASCII (xn-- form), no dot at either end, no port, no address'
}

function flagsProblem(cookie: CookieAttributes): string | undefined {
  for (const flag of ['secure', 'httpOnly', 'partitioned'] as const) {
    if (typeof cookie[flag] !== 'boolean') return `cookie.${flag} must be true or false`
  }
  const { sameSite } = cookie
  if (sameSite !== 'strict' && sameSite !== 'lax' && sameSite !== 'none') {
    return 'cookie.sameSite must be "strict", "lax" or "none"'
  }
  if (cookie.secure) return undefined
  if (sameSite === 'none') return 'cookie.sameSite "none" needs cookie.secure'
  return cookie.partitioned ? 'cookie.partitioned needs cookie.secure' : undefined
}

function prefixProblem(cookie: CookieAttributes): string | undefined {
  // User agents compare prefixes without regard to case, so that servers which ignore case are safe as well.
  const name = cookie.name.toLowerCase()
  const rule = PREFIXES.find(({ prefix }) => name.startsWith(prefix.toLowerCase()))
  if (rule === undefined) return undefined
  if (!cookie.secure) return `cookie.secure must be true with the name prefix ${rule.prefix}`
  if (rule.httpOnly && !cookie.httpOnly)
    return `cookie.httpOnly must be true with the name prefix ${rule.prefix}`
  if (!rule.hostOnly) return undefined
  if (cookie.domain !== undefined) {
    return `cookie.domain must be left out with the name prefix ${rule.prefix}; to share a cookie between hosts, name it __Secure-…`
  }
  return cookie.path === '/' ? undefined : `cookie.path must be / with the name prefix ${rule.prefix}`
}

function valueProblem({ name, value }: SetCookie): string | undefined {
  if (typeof value !== 'string' || !COOKIE_OCTETS.test(value)) {
    return 'cookie value must be ASCII without spaces, control characters, quotes, commas, semicolons and backslashes'
  }
  return name.length + value.length > MAX_PAIR_BYTES
    ? `cookie name and value must be at most ${MAX_PAIR_BYTES} bytes together`
    : undefined
}

function maxAgeProblem(maxAge: number | undefined): string | undefined {
  if (maxAge === undefined) return undefined
  return Number.isInteger(maxAge) && maxAge >= 0 && maxAge <= MAX_AGE_LIMIT
    ? undefined
    : `cookie maxAge must be whole seconds from 0 to ${MAX_AGE_LIMIT}`
}
