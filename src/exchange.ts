/** A cookie to send. Every attribute is spelled out; nothing is left to a default. */
export interface SetCookie {
  /** As on the wire, prefix included. */
  readonly name: string
  /** Only characters that a cookie may have as they are. */
  readonly value: string
  /** `/` or below. */
  readonly path: string
  /** `undefined`: this host only. */
  readonly domain: string | undefined
  /** Over TLS only. */
  readonly secure: boolean
  /** Out of reach of scripts. */
  readonly httpOnly: boolean
  /** Which requests from other sites it goes with. */
  readonly sameSite: 'strict' | 'lax' | 'none'
  /** Kept apart for each top-level site (CHIPS). */
  readonly partitioned: boolean
  /** Seconds; 0 deletes the cookie, `undefined` lets it end with the browser. */
  readonly maxAge: number | undefined
}

/**
 * One request with its response, as the manager sees it: all that an adapter supplies, and all of a
 * framework that reaches the manager.
 */
export interface Exchange {
  /** The framework's request object. Same object, same session: mounted twice is harmless. */
  readonly request: object
  /** Reads a request header. @param name In lower case. @returns its text; several Cookie lines joined by `'; '`. */
  header(name: string): string | undefined
  /** The client's address by the framework's own idea of it (`req.ip` under trust proxy), else the socket's. */
  readonly address: string | undefined
  /** Status of the response that will leave, when asked; 500 where the handler threw and nothing answered. */
  readonly status: number
  /** Whether the head of the response has gone, so that no cookie can be set any more. */
  readonly headSent: boolean
  /** Sends a cookie; replaces ours of the same name and leaves other cookies as they are. */
  setCookie(cookie: SetCookie): void
  /** Reads a header of the response. @param name In lower case. */
  responseHeader(name: string): string | undefined
  /** Sets a header of the response. @param name In lower case. */
  setHeader(name: string, value: string): void
}
