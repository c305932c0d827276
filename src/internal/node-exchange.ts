import type { IncomingHttpHeaders } from 'node:http'
import type { Exchange, SetCookie } from '../exchange.ts'
import { headOf, keepCookie } from './held-response.ts'
import type { NodeResponse } from './node-response.ts'

/** What node's HTTP/1 and HTTP/2 requests have in common, as far as a session needs it. */
export interface NodeRequest {
  readonly headers: IncomingHttpHeaders & { readonly ':authority'?: string | undefined }
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** The {@link Exchange} of node's own requests and responses, and of every framework built on them. */
export class NodeExchange<R extends NodeRequest> implements Exchange {
  readonly #request: R
  readonly #response: NodeResponse | undefined
  readonly #addressOf: (request: R) => string | undefined

  /**
   * @param response `undefined` for an upgrade: there is nothing to set a cookie or a header on, and none is
   *   set, as after the head has gone.
   * @param addressOf Called only when a record keeps the address.
   */
  constructor(request: R, response: NodeResponse | undefined, addressOf: (request: R) => string | undefined) {
    this.#request = request
    this.#response = response
    this.#addressOf = addressOf
  }

  get request(): R {
    return this.#request
  }

  get address(): string | undefined {
    return this.#addressOf(this.#request)
  }

  get status(): number {
    return this.#response === undefined ? 101 : headOf(this.#response).statusCode
  }

  get headSent(): boolean {
    return this.#response === undefined || this.#response.headersSent
  }

  /** Node has already joined what came in several lines: cookies by `'; '`, HTTP/2's crumbs included. */
  header(name: string): string | undefined {
    const { headers } = this.#request
    const value = headers[name] ?? (name === 'host' ? headers[':authority'] : undefined)
    return Array.isArray(value) ? value.join(', ') : value
  }

  setCookie(cookie: SetCookie): void {
    if (this.#response !== undefined && !this.headSent) keepCookie(this.#response, cookie)
  }

  responseHeader(name: string): string | undefined {
    const value = this.#response && headOf(this.#response).getHeader(name)
    return value === undefined ? undefined : Array.isArray(value) ? value.join(', ') : String(value)
  }

  setHeader(name: string, value: string): void {
    if (this.#response !== undefined && !this.headSent) headOf(this.#response).setHeader(name, value)
  }
}

/** The address of the client, or of the last proxy before this server. */
export function socketAddress(request: NodeRequest): string | undefined {
  return request.socket.remoteAddress
}
