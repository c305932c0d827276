import type { IncomingHttpHeaders } from 'node:http'
import type { RequestHandler } from 'express'

/** What the check reads of a request. */
export interface RequestOrigin {
  readonly method: string
  readonly headers: IncomingHttpHeaders
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Tells whether a request that changes something comes from this application's own pages: the rules of
 * `http.CrossOriginProtection` in Go 1.25. Together with SameSite=Lax this is the defence against cross-site
 * request forgery.
 *
 * @param publicOrigin Origin that people see, where it is known; else the Host header decides.
 */
export function isSameOrigin({ method, headers }: RequestOrigin, publicOrigin: string | undefined): boolean {
  if (SAFE.has(method)) return true
  // Compared whole: node joins a header that came twice by ", ", which then equals neither.
  const site = headers['sec-fetch-site'] ?? ''
  if (site !== '') return site === 'same-origin' || site === 'none'
  const { origin = '', host } = headers
  if (origin === '') return true // neither header: no browser of the last years sends a form so
  return publicOrigin === undefined ? hostOf(origin) === host : origin === publicOrigin
}

/** Refuses what other sites send, before any session is loaded. */
export function sameOrigin(publicOrigin: string | undefined): RequestHandler {
  return function sameOrigin(request, _response, next) {
    next(isSameOrigin(request, publicOrigin) ? undefined : { status: 403 })
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
