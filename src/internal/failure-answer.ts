import { type NodeResponse, setStatusMessage } from './node-response.ts'

/** Headers that describe a body, or what a handler did: not true any more once its answer is replaced. */
export const OF_THE_OLD_BODY = [
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

/** @returns the reason phrase of a failure's status. Not node's own list: not every runtime has it. */
export function reasonOf(status: number): string {
  if (status === 503) return 'Service Unavailable'
  return status === 409 ? 'Conflict' : status === 500 ? 'Internal Server Error' : 'Error'
}

/** @returns the body of a failure's answer: it tells nothing but the status. */
export function failureBody(status: number): string {
  return `${reasonOf(status)}\n`
}

/**
 * Makes a response's head that of a failure, and leaves what other code set beside its body (cookies, security
 * headers, Vary) alone.
 *
 * @returns the body to send.
 */
export function replaceHead(response: NodeResponse, error: unknown): string {
  for (const name of OF_THE_OLD_BODY) response.removeHeader(name)
  const status = failureStatus(error)
  const body = failureBody(status)
  response.statusCode = status
  setStatusMessage(response, reasonOf(status))
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
