import { replaceSetCookie } from '../cookies/header.ts'
import type { Exchange, SetCookie } from '../exchange.ts'

/**
 * The {@link Exchange} of frameworks that take a `Request` and give a `Response`. The response comes last, and
 * its headers may be immutable, so what is set waits until {@link finish} puts it on.
 */
export class FetchExchange implements Exchange {
  readonly request: Request
  readonly #addressOf: () => string | undefined
  /** What the handler answered; `undefined` while it runs, and where it threw. */
  #response: Response | undefined
  readonly #headers = new Map<string, string>()
  #cookie: SetCookie | undefined

  /** @param addressOf Called only when a record keeps the address. */
  constructor(request: Request, addressOf: () => string | undefined) {
    this.request = request
    this.#addressOf = addressOf
  }

  get address(): string | undefined {
    return this.#addressOf()
  }

  get status(): number {
    return this.#response?.status ?? 500
  }

  /** The adapter returns the response, and with it the head, after the commit. */
  get headSent(): boolean {
    return false
  }

  header(name: string): string | undefined {
    return this.request.headers.get(name) ?? undefined
  }

  setCookie(cookie: SetCookie): void {
    this.#cookie = cookie
  }

  responseHeader(name: string): string | undefined {
    return this.#headers.get(name) ?? this.#response?.headers.get(name) ?? undefined
  }

  setHeader(name: string, value: string): void {
    this.#headers.set(name, value)
  }

  /** Takes the answer that the commit goes by. What was set before it is set again by the commit. */
  respond(response: Response): void {
    this.#response = response
    this.#headers.clear()
  }

  /**
   * @returns the answer with what was set on it: a copy where it gets a cookie or its headers cannot be changed,
   *   else itself.
   */
  finish(response: Response): Response {
    if (response.status < 200) return response // Response.error(), and a WebSocket's: neither can be copied
    // A handler may answer every request with one Response that has no body: it must not keep anybody's cookie.
    if (this.#cookie === undefined) {
      try {
        this.#putOn(response.headers)
        return response
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        // Immutable: the answer of a fetch(), or of Response.redirect().
      }
    }
    const copy = new Response(response.body, response)
    this.#putOn(copy.headers)
    return copy
  }

  #putOn(headers: Headers): void {
    for (const [name, value] of this.#headers) headers.set(name, value)
    if (this.#cookie === undefined) return
    const lines = replaceSetCookie(headers.getSetCookie(), this.#cookie)
    headers.delete('set-cookie')
    for (const line of lines) headers.append('set-cookie', line)
  }
}
