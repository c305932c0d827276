import type { Exchange, SetCookie } from '../../../src/exchange.ts'

/** One request with its response, without a server. */
export class FakeExchange implements Exchange {
  readonly request: object = {}
  readonly requestHeaders: Map<string, string>
  readonly responseHeaders = new Map<string, string>()
  readonly cookies: SetCookie[] = []
  address: string | undefined = '192.0.2.7'
  status = 200
  headSent = false

  constructor(headers: Readonly<Record<string, string>> = {}) {
    this.requestHeaders = new Map(Object.entries({ 'user-agent': 'Test/1', ...headers }))
  }

  /** The Set-Cookie of the response, if there is one. */
  get cookie(): SetCookie | undefined {
    return this.cookies.at(-1)
  }

  header(name: string): string | undefined {
    return this.requestHeaders.get(name)
  }

  setCookie(cookie: SetCookie): void {
    this.cookies.push(cookie)
  }

  responseHeader(name: string): string | undefined {
    return this.responseHeaders.get(name)
  }

  setHeader(name: string, value: string): void {
    this.responseHeaders.set(name, value)
  }
}
