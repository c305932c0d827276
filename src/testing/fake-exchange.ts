import { StateError } from '../errors.ts'
import type { Exchange, SetCookie } from '../exchange.ts'

/** A request of a test. */
export interface FakeRequest {
  /** The Cookie header as it is, in place of what the browser has. (default: the browser's cookies) */
  readonly cookie?: string | undefined
  /** Other request headers. (default: none) */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The client's address. (default: `"192.0.2.1"`) */
  readonly address?: string | undefined
}

/** An {@link Exchange} without a server: what the manager does to the response can be read from it. */
export interface FakeExchange extends Exchange {
  /** Of the response that will leave; a test that stands for a failing handler sets 500. (at first: 200) */
  status: number
  /** Set it to true where the head goes: from then on a cookie or a header is a {@link StateError}. (at first: false) */
  headSent: boolean
  /** The cookies that this response sets, by name. */
  readonly cookies: ReadonlyMap<string, SetCookie>
  /** The headers that this response sets beside cookies, by name in lower case. */
  readonly responseHeaders: ReadonlyMap<string, string>
  /**
   * Begins the following exchange of the same browser, which has received this response.
   *
   * Two calls give two requests that are under way at the same time; each has a response of its own.
   */
  next(request?: FakeRequest): FakeExchange
}

/** A browser, as far as cookies go: a jar by name. Paths, domains and times are not looked at. */
export interface FakeBrowser {
  /** What it would send now: values by name. */
  readonly cookies: ReadonlyMap<string, string>
  /** Begins an exchange with the cookies of this moment. Several may be under way. */
  request(request?: FakeRequest): FakeExchange
  /** Lets a response arrive, at once or late: takes its cookies over, and drops those with a `maxAge` of 0. */
  receive(response: Pick<FakeExchange, 'cookies'>): void
}

/**
 * Makes a browser whose requests may overlap and whose responses arrive in the order of the test's choice.
 *
 * @param options `cookie`: what it has at first, as a Cookie header. (default: nothing)
 */
export function fakeBrowser(options: { readonly cookie?: string | undefined } = {}): FakeBrowser {
  const jar = new Map(toPairs(options.cookie ?? ''))
  const browser: FakeBrowser = {
    cookies: jar,
    request: (request = {}) => new BrowserExchange(browser, request),
    receive({ cookies }) {
      for (const { name, value, maxAge } of cookies.values()) {
        if (maxAge === 0) jar.delete(name)
        else jar.set(name, value)
      }
    },
  }
  return browser
}

/** Makes the first exchange of a browser of its own; `next()` gives the one that follows. */
export function fakeExchange(request: FakeRequest = {}): FakeExchange {
  return fakeBrowser({ cookie: request.cookie }).request(request)
}

class BrowserExchange implements FakeExchange {
  readonly request: object = {}
  readonly address: string
  status = 200
  headSent = false
  readonly cookies = new Map<string, SetCookie>()
  readonly responseHeaders = new Map<string, string>()
  readonly #browser: FakeBrowser
  readonly #headers: ReadonlyMap<string, string>

  constructor(browser: FakeBrowser, { cookie, headers = {}, address = '192.0.2.1' }: FakeRequest) {
    this.#browser = browser
    this.address = address
    const sent = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    const cookies = cookie ?? toHeader(browser.cookies)
    if (cookies !== '') sent.set('cookie', cookies)
    this.#headers = sent
  }

  header(name: string): string | undefined {
    return this.#headers.get(name)
  }

  setCookie(cookie: SetCookie): void {
    this.#checkHead()
    this.cookies.set(cookie.name, cookie)
  }

  responseHeader(name: string): string | undefined {
    return this.responseHeaders.get(name)
  }

  setHeader(name: string, value: string): void {
    this.#checkHead()
    this.responseHeaders.set(name, value)
  }

  next(request: FakeRequest = {}): FakeExchange {
    this.#browser.receive(this)
    return this.#browser.request(request)
  }

  #checkHead(): void {
    if (this.headSent) throw new StateError('the head of the response has gone')
  }
}

function toHeader(jar: ReadonlyMap<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

/** Nothing is decoded: the value of our cookie never needs it. */
function toPairs(header: string): [string, string][] {
  const pairs = header.split(';').map((pair) => pair.trim())
  return pairs.filter(Boolean).map((pair) => {
    const equals = pair.indexOf('=')
    return [pair.slice(0, Math.max(equals, 0)), pair.slice(equals + 1)]
  })
}
