import { STATUS_CODES } from 'node:http'
import { type NodeResponse, setStatusMessage } from './node-response.ts'

/** Headers that describe a body, or what a handler did: not true any more once its answer is replaced. */
const OF_THE_OLD_BODY = [
  'accept-ranges',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'digest',
  'content-digest',
  'repr-digest',
  'etag',
  'expires',
  'last-modified',
  'location',
  'refresh',
  'trailer',
  'transfer-encoding',
] as const

/** @returns the status to answer with instead of the handler's; 500 where the error names none. */
export function failureStatus(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599
    ? status
    : 500
}

/**
 * Makes a response's head that of a failure, and leaves what other code set beside its body (cookies, security
 * headers, Vary) alone.
 *
 * @returns the body to send: it tells nothing but the status.
 */
export function replaceHead(response: NodeResponse, error: unknown): string {
  for (const name of OF_THE_OLD_BODY) response.removeHeader(name)
  const status = failureStatus(error)
  const body = `${STATUS_CODES[status] ?? 'Error'}\n`
  response.statusCode = status
  setStatusMessage(response, STATUS_CODES[status] ?? 'Error')
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  dropTrailers(response)
  return body
}

/** HTTP/1 sends none after a body of known length; HTTP/2 keeps them out of reach until it is asked for them. */
function dropTrailers({ stream }: NodeResponse): void {
  stream?.removeAllListeners('wantTrailers')
  stream?.once('wantTrailers', () => stream.sendTrailers({}))
}

/** Answers a request whose session could not be loaded, where no error handling of the application can. */
export function answerFailure(response: NodeResponse, error: unknown): void {
  if (response.headersSent) return
  response.end(replaceHead(response, error))
}
