/** A header's value as node:http takes it. */
export type HeaderValue = number | string | readonly string[]

/** An HTTP/2 stream, as far as its trailers go. */
interface TrailingStream {
  removeAllListeners(event: string): unknown
  once(event: string, listener: () => void): unknown
  sendTrailers(trailers: object): void
}

/** Whatever keeps the listeners of an event: the response, as a rule. */
interface Emitter {
  off(event: string, listener: () => void): unknown
  emit(event: string): boolean
}

/**
 * What `http.ServerResponse`, `http2.Http2ServerResponse` and what frameworks make of them have in common, as
 * far as holding a head needs it.
 */
export interface NodeResponse {
  /** The request that this answers. */
  readonly req: { readonly httpVersionMajor: number }
  /** Under HTTP/2 only. */
  readonly stream?: TrailingStream | undefined
  readonly headersSent: boolean
  readonly writableFinished?: boolean
  statusCode: number
  statusMessage: string | undefined
  getHeader(name: string): number | string | string[] | undefined
  getHeaderNames(): string[]
  /** Names as they were written; HTTP/2 has none, its names are lower-case. */
  getRawHeaderNames?(): string[]
  setHeader(name: string, value: HeaderValue): unknown
  appendHeader(name: string, value: string | string[]): unknown
  removeHeader(name: string): void
  writeHead(status: number, ...rest: unknown[]): unknown
  /** Always there; missing in the types of HTTP/2's response. */
  flushHeaders?(): void
  write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean
  end(chunk?: unknown, encoding?: unknown, callback?: unknown): unknown
  on(event: string, listener: () => void): Emitter
  off(event: string, listener: () => void): unknown
  once(event: string, listener: () => void): unknown
  emit(event: string): boolean
  destroy(error?: Error): unknown
}

/** The part of a response that leaves first, as long as it can be changed. */
export type ResponseHead = Pick<NodeResponse, 'statusCode' | 'getHeader' | 'setHeader'>

/** Sets the reason phrase where there is one: under HTTP/2 naming it prints a warning. */
export function setStatusMessage(response: NodeResponse, message: string): void {
  if (response.req.httpVersionMajor < 2) response.statusMessage = message
}

/**
 * Keeps the arguments of `writeHead` in the response, so that its head can still be added to. As under node,
 * a header given here replaces one of the same name that was set before; a list may name one several times.
 */
export function recordHead(response: NodeResponse, status: number, rest: readonly unknown[]): void {
  const [first, second] = rest
  if (typeof first === 'string') setStatusMessage(response, first)
  response.statusCode = status
  const headers = typeof first === 'string' ? second : (second ?? first)
  if (Array.isArray(headers)) recordList(response, toPairs(headers))
  else if (typeof headers === 'object' && headers !== null) {
    // As in toPairs().
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as HeaderValue)
  }
}

function recordList(response: NodeResponse, pairs: readonly (readonly [string, string | string[]])[]): void {
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) response.appendHeader(name, value)
}

/** Reads both of node's list forms: `[name, value, …]` and `[[name, value], …]`. */
function toPairs(list: readonly unknown[]): [string, string | string[]][] {
  // What is in the list is the caller's; node's own setters refuse what is no header.
  if (Array.isArray(list[0])) return list as [string, string | string[]][]
  if (list.length % 2 !== 0) throw new TypeError('writeHead headers must be a list of names and values')
  const pairs: [string, string | string[]][] = []
  for (let at = 0; at < list.length; at += 2) {
    pairs.push([list[at] as string, list[at + 1] as string | string[]]) // as above
  }
  return pairs
}

/**
 * A copy of a response's head, taken when its handler ended it. What is set on the response afterwards is
 * not part of the answer, as it would not be without a hold.
 */
export class HeadCopy implements ResponseHead {
  readonly statusCode: number
  readonly #message: string
  readonly #headers = new Map<string, readonly [name: string, value: HeaderValue]>()

  constructor(response: NodeResponse) {
    this.statusCode = response.statusCode
    this.#message = (response.req.httpVersionMajor < 2 ? response.statusMessage : undefined) ?? ''
    for (const name of response.getRawHeaderNames?.() ?? response.getHeaderNames()) {
      const value = response.getHeader(name)
      if (value !== undefined) this.setHeader(name, value)
    }
  }

  getHeader(name: string): number | string | string[] | undefined {
    const value = this.#headers.get(name.toLowerCase())?.[1]
    return typeof value === 'object' ? [...value] : value
  }

  setHeader(name: string, value: HeaderValue): void {
    this.#headers.set(name.toLowerCase(), [name, value])
  }

  /** Makes the response's head what this copy is. */
  restore(response: NodeResponse): void {
    response.statusCode = this.statusCode
    setStatusMessage(response, this.#message)
    for (const name of response.getHeaderNames()) {
      if (!this.#headers.has(name.toLowerCase())) response.removeHeader(name)
    }
    for (const [name, value] of this.#headers.values()) response.setHeader(name, value)
  }
}
