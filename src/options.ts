import { type CookieAttributes, cookieProblem } from './cookies/header.ts'
import { ConfigError } from './errors.ts'
import type { SessionEvent } from './events.ts'
import { durationProblem } from './internal/durations.ts'
import { type Key, keyProblem, toKeyBytes } from './internal/keys.ts'
import type { Store } from './store.ts'

/** How the session cookie is named and sent. Safe as it is: `__Host-id`, Secure, HttpOnly, SameSite=Lax. */
export interface CookieOptions {
  /**
   * Name of the cookie. (default: `"__Host-id"`; `"__Host-idp"` if partitioned; `"__Secure-id"` with a domain or
   * another path than `/`; `"id"` if not secure)
   */
  readonly name?: string | undefined
  /** Path that the browser sends it to. Not a security boundary. (default: `"/"`) */
  readonly path?: string | undefined
  /** Domain that shares it with all its subdomains. (default: none, this host only) */
  readonly domain?: string | undefined
  /** Send it over HTTPS only. (default: true) */
  readonly secure?: boolean | undefined
  /** Hide it from scripts. `false` is refused unless `unsafe` is true. (default: true) */
  readonly httpOnly?: boolean | undefined
  /** Which requests of other sites carry it. (default: `"lax"`) */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined
  /** One cookie for each top-level site (CHIPS), for embedded content. (default: false) */
  readonly partitioned?: boolean | undefined
  /**
   * Whether it outlives the browser: its Max-Age runs to the absolute end of the session, at most 34 560 000 seconds
   * (RFC 6265bis 5.5). A sign-in may choose otherwise. (default: false)
   */
  readonly persistent?: boolean | undefined
  /** Allows `httpOnly: false`. (default: false) */
  readonly unsafe?: boolean | undefined
}

/** What a {@link SessionManager} is made of. Only `store` and `authKey` have no default. */
export interface SessionManagerOptions {
  /** Keeps the sessions. */
  readonly store: Store
  /**
   * Signs the tokens (HMAC-SHA-256): at least 32 bytes each, the first signs, all verify. `undefined`, as from a
   * missing environment variable, is a {@link ConfigError} that says how to make one.
   */
  readonly authKey: Key | readonly Key[] | undefined
  /** Encrypts new tokens (AES-256-GCM); signed ones are still read. At least 32 bytes each. (default: none) */
  readonly encryptionKey?: Key | readonly Key[] | undefined
  /** Attributes of the cookie. (default: `__Host-id`, Secure, HttpOnly, SameSite=Lax, until the browser ends) */
  readonly cookie?: CookieOptions | undefined
  /** Seconds without use after which a session ends. (default: 86 400, one day, or `absoluteTimeout` if smaller) */
  readonly idleTimeout?: number | undefined
  /** Seconds after sign-in at which a session ends, however busy. (default: 2 592 000: 30 days, NIST SP 800-63B-4 AAL1) */
  readonly absoluteTimeout?: number | undefined
  /** Seconds between two writes of the last-seen time; at most half of `idleTimeout`. (default: 60, or `idleTimeout / 10` if smaller) */
  readonly touchInterval?: number | undefined
  /** Seconds between two cleanups; 0: only when `cleanup()` is called. (default: 300) */
  readonly cleanupInterval?: number | undefined
  /** Bytes that a session's values may have as JSON text, whatever runs in parallel. (default: 65 536) */
  readonly maxValuesBytes?: number | undefined
  /** Seconds that a load, a commit or an `update()` waits for the store, whoever wrote it, each for itself. (default: 5) */
  readonly storeTimeout?: number | undefined
  /** The time in epoch milliseconds, for tests. (default: `Date.now`) */
  readonly clock?: (() => number) | undefined
  /** Told of everything that happens. Never awaited; what it throws is swallowed. (default: none) */
  readonly onEvent?: ((event: SessionEvent) => void | Promise<void>) | undefined
}

/** Options with every default filled in and every mistake refused. */
export interface ResolvedOptions {
  readonly store: Store
  readonly authKeys: readonly Uint8Array[]
  readonly encryptionKeys: readonly Uint8Array[]
  readonly cookie: CookieAttributes
  readonly persistent: boolean
  readonly idleTimeout: number
  readonly absoluteTimeout: number
  readonly touchInterval: number
  readonly cleanupInterval: number
  readonly maxValuesBytes: number
  readonly storeTimeout: number
  readonly clock: () => number
  /** Whether the clock is the process's own, so that it has to be compared with the store's. */
  readonly usesSystemClock: boolean
  readonly onEvent: ((event: SessionEvent) => void | Promise<void>) | undefined
}

const OPTIONS: ReadonlySet<string> = new Set<keyof SessionManagerOptions>([
  'store',
  'authKey',
  'encryptionKey',
  'cookie',
  'idleTimeout',
  'absoluteTimeout',
  'touchInterval',
  'cleanupInterval',
  'maxValuesBytes',
  'storeTimeout',
  'clock',
  'onEvent',
])

const COOKIE_OPTIONS: ReadonlySet<string> = new Set<keyof CookieOptions>([
  'name',
  'path',
  'domain',
  'secure',
  'httpOnly',
  'sameSite',
  'partitioned',
  'persistent',
  'unsafe',
])

const STORE_METHODS = [
  'create',
  'get',
  'save',
  'touch',
  'delete',
  'listByUser',
  'deleteByUser',
  'cleanup',
] as const

/**
 * Fills in defaults and refuses what cannot work, before the first request. No I/O, no timer, no random bytes.
 *
 * @throws {@link ConfigError} with the name of the option.
 */
export function resolveOptions(options: SessionManagerOptions): ResolvedOptions {
  refuseUnknown(options, OPTIONS, '')
  const cookie = options.cookie ?? {}
  refuseUnknown(cookie, COOKIE_OPTIONS, 'cookie.')
  return {
    store: resolveStore(options.store),
    authKeys: resolveAuthKeys(options.authKey),
    encryptionKeys:
      options.encryptionKey === undefined ? [] : resolveKeys('encryptionKey', options.encryptionKey),
    cookie: resolveCookie(cookie),
    persistent: flag('cookie.persistent', cookie.persistent, false),
    ...resolveDurations(options),
    maxValuesBytes: resolveMaxValuesBytes(options.maxValuesBytes),
    clock: callable('clock', options.clock) ?? Date.now,
    usesSystemClock: options.clock === undefined,
    onEvent: callable('onEvent', options.onEvent),
  }
}

function resolveDurations(options: SessionManagerOptions) {
  const absoluteTimeout = duration('absoluteTimeout', options.absoluteTimeout, 2_592_000)
  const idleTimeout = duration('idleTimeout', options.idleTimeout, Math.min(86_400, absoluteTimeout))
  // A tenth of a short idle timeout may be less than an option can be.
  const touchInterval =
    options.touchInterval === undefined
      ? Math.min(60, idleTimeout / 10)
      : duration('touchInterval', options.touchInterval, 60)
  if (idleTimeout > absoluteTimeout) {
    throw new ConfigError(
      `idleTimeout (${idleTimeout} s) is longer than absoluteTimeout (${absoluteTimeout} s)`,
    )
  }
  if (touchInterval > idleTimeout / 2) {
    throw new ConfigError(
      `touchInterval (${touchInterval} s) is longer than half of idleTimeout (${idleTimeout} s)`,
    )
  }
  const { cleanupInterval } = options
  return {
    absoluteTimeout,
    idleTimeout,
    touchInterval,
    cleanupInterval: cleanupInterval === 0 ? 0 : duration('cleanupInterval', cleanupInterval, 300),
    storeTimeout: duration('storeTimeout', options.storeTimeout, 5),
  }
}

function resolveCookie(options: CookieOptions): CookieAttributes {
  const secure = flag('cookie.secure', options.secure, true)
  const httpOnly = flag('cookie.httpOnly', options.httpOnly, true)
  const partitioned = flag('cookie.partitioned', options.partitioned, false)
  const path = options.path ?? '/'
  const cookie = {
    name: options.name ?? defaultName(secure, partitioned, options.domain === undefined && path === '/'),
    path,
    domain: options.domain,
    secure,
    httpOnly,
    sameSite: options.sameSite ?? 'lax',
    partitioned,
  } as const
  const unsafe = flag('cookie.unsafe', options.unsafe, false)
  if (!httpOnly && !unsafe) {
    throw new ConfigError(
      'cookie.httpOnly: false lets scripts read the session cookie; it takes cookie.unsafe: true',
    )
  }
  const problem = cookieProblem(cookie)
  if (problem !== undefined) throw new ConfigError(problem)
  return cookie
}

// OWASP Session Management Cheat Sheet: the name tells nothing. Partitioned and unpartitioned cookies of one
// name can arrive together, so they have two names.
function defaultName(secure: boolean, partitioned: boolean, isHostOnly: boolean): string {
  if (!secure) return 'id'
  if (!isHostOnly) return '__Secure-id'
  return partitioned ? '__Host-idp' : '__Host-id'
}

function resolveStore(store: Store): Store {
  if (typeof store !== 'object' || store === null) throw new ConfigError('store is missing')
  for (const method of STORE_METHODS) {
    if (typeof store[method] !== 'function') throw new ConfigError(`store has no method ${method}()`)
  }
  return store
}

function resolveAuthKeys(authKey: SessionManagerOptions['authKey']): readonly Uint8Array[] {
  if (authKey === undefined) {
    throw new ConfigError(
      'authKey is missing; make one with generateKey(), or `openssl rand -base64 32`, and keep it outside the code',
    )
  }
  return resolveKeys('authKey', authKey)
}

function resolveKeys(name: string, option: Key | readonly Key[]): readonly Uint8Array[] {
  const keys: readonly Key[] = typeof option === 'string' || option instanceof Uint8Array ? [option] : option
  // Kept apart, because isArray() itself makes `any` of a readonly list.
  const isList: boolean = Array.isArray(keys)
  if (!isList || keys.length === 0) throw new ConfigError(`${name} must be a key or a list of keys`)
  return keys.map((key, index) => {
    const label = keys === option ? `${name}[${index}]` : name
    const problem = keyProblem(key)
    if (problem !== undefined) throw new ConfigError(`${label} ${problem}`)
    return toKeyBytes(key)
  })
}

function resolveMaxValuesBytes(bytes: number | undefined): number {
  const resolved = bytes ?? 65_536
  if (!Number.isSafeInteger(resolved) || resolved < 2) {
    throw new ConfigError(`maxValuesBytes must be a whole number of bytes, at least 2, not ${resolved}`)
  }
  return resolved
}

function duration(name: string, value: number | undefined, fallback: number): number {
  const resolved = value ?? fallback
  const problem = durationProblem(name, resolved)
  if (problem !== undefined) throw new ConfigError(problem)
  return resolved
}

function flag(name: string, value: boolean | undefined, fallback: boolean): boolean {
  const resolved = value ?? fallback
  if (typeof resolved !== 'boolean') throw new ConfigError(`${name} must be true or false`)
  return resolved
}

function callable<F extends (...args: never[]) => unknown>(
  name: string,
  value: F | undefined,
): F | undefined {
  if (value !== undefined && typeof value !== 'function') throw new ConfigError(`${name} must be a function`)
  return value
}

function refuseUnknown(options: object, known: ReadonlySet<string>, prefix: string): void {
  if (typeof options !== 'object' || options === null)
    throw new ConfigError(prefix === '' ? 'the options must be an object' : 'cookie must be an object')
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new ConfigError(`unknown option "${prefix}${name}"`)
  }
}
