import type { Session } from '../session.ts'
import type { FetchExchange } from './fetch-exchange.ts'
import { toFailureResponse } from './fetch-failure.ts'
import type { Committer } from './held-response.ts'

/** Keeps a runtime going until some work is done, as a Worker's context has it. */
export type WaitUntil = (work: Promise<unknown>) => void

/**
 * Commits what the request changed, now that its answer is known. A read waits for nothing: a touch that is due
 * goes on behind it.
 *
 * @param waitUntil Takes the work that no response waits for.
 * @returns the response that leaves: the handler's own, or the failure that takes its place.
 */
export async function commitResponse<V extends object>(
  manager: Committer<V>,
  exchange: FetchExchange,
  session: Session<V>,
  response: Response,
  waitUntil: WaitUntil,
): Promise<Response> {
  exchange.respond(response)
  if (!manager.needsRefresh(session)) {
    // The manager reports a touch that fails.
    waitUntil(manager.refresh(exchange, session).catch(() => {}))
    return exchange.finish(response)
  }
  try {
    await manager.refresh(exchange, session)
  } catch (error) {
    return exchange.finish(toFailureResponse(error, response))
  }
  return exchange.finish(response)
}

/**
 * Commits what a request commits that failed without an answer: its ends. Never throws: what failed first is what
 * the caller has to hear of.
 *
 * @returns the headers for the answer, if somebody makes one.
 */
export async function commitFailure<V extends object>(
  manager: Committer<V>,
  exchange: FetchExchange,
  session: Session<V>,
): Promise<Headers> {
  // The manager reports what fails here as an event.
  await manager.refresh(exchange, session).catch(() => {})
  return exchange.finish(new Response()).headers
}
