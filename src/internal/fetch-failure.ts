import { failureBody, failureStatus, OF_THE_OLD_BODY } from './failure-answer.ts'

/**
 * Makes the answer to a request whose session could not be loaded or committed.
 *
 * @param refused The handler's answer, which is not sent; what it sets beside its body (cookies, security
 *   headers, Vary) is kept.
 */
export function toFailureResponse(error: unknown, refused?: Response): Response {
  const status = failureStatus(error)
  const body = failureBody(status)
  const headers = new Headers(refused?.headers)
  for (const name of OF_THE_OLD_BODY) headers.delete(name)
  headers.set('content-type', 'text/plain; charset=utf-8')
  headers.set('content-length', String(body.length)) // its characters are ASCII
  headers.set('cache-control', 'no-store')
  headers.set('x-content-type-options', 'nosniff')
  // Nobody reads it any more: a stream behind it can stop. One that is locked refuses, and is somebody else's.
  refused?.body?.cancel().catch(() => {})
  return new Response(body, { status, headers })
}
