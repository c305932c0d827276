import { withSession } from '../context.ts'
import { commitFailure, commitResponse, type WaitUntil } from '../internal/fetch-commit.ts'
import { FetchExchange } from '../internal/fetch-exchange.ts'
import { toFailureResponse } from '../internal/fetch-failure.ts'
import { refuseUnknown } from '../internal/refuse-unknown.ts'
import type { SessionManager } from '../manager.ts'
import type { Session } from '../session.ts'

/** How sessions meet handlers of the Fetch standard. */
export interface FetchOptions<R extends Request, A extends readonly unknown[]> {
  /** Reads the client's address, which a `Request` does not tell, from all that the handler gets. (default: none is kept) */
  readonly address?: ((request: R, ...rest: A) => string | undefined) | undefined
}

/**
 * Wraps any `(Request) => Response`: a route handler of Next.js, `Bun.serve`, `Deno.serve`, a Worker. In the
 * handler, and in all that it calls, `getSession(manager)` is the request's session.
 *
 * What the request changes is committed before the response is returned. A `Response` that is thrown counts as
 * returned; whatever else is thrown counts as status 500, and is thrown again. Where one of the further
 * arguments has `waitUntil`, as in a Worker, it gets the work that no response waits for.
 *
 * @param handler Takes the request; all further arguments pass through.
 * @throws {@link ConfigError} an option is unknown.
 * @example
 * export default { fetch: sessions(manager, (request) => new Response(getSession()?.userId ?? 'stranger')) }
 */
export function sessions<V extends object, R extends Request, A extends readonly unknown[]>(
  manager: SessionManager<V>,
  handler: (request: R, ...rest: A) => Response | Promise<Response>,
  options: FetchOptions<R, A> = {},
): (request: R, ...rest: A) => Promise<Response> {
  const { address = () => undefined, ...unknown } = options
  refuseUnknown('sessions()', unknown)
  return async function sessions(request, ...rest) {
    const exchange = new FetchExchange(request, () => address(request, ...rest))
    let session: Session<V>
    try {
      session = await manager.start(exchange)
    } catch (error) {
      return exchange.finish(toFailureResponse(error))
    }
    let response: Response
    try {
      response = await withSession(session, () => handler(request, ...rest))
    } catch (thrown) {
      if (!isResponse(thrown)) {
        await commitFailure(manager, exchange, session)
        throw thrown
      }
      response = thrown
    }
    return commitResponse(manager, exchange, session, response, (work) => waitFor(work, rest))
  }
}

/** Hands work to the first argument that keeps the runtime going for it: a Worker's context, Next.js's event. */
function waitFor(work: Promise<unknown>, rest: readonly unknown[]): void {
  for (const argument of rest) {
    const context = argument as { waitUntil?: WaitUntil } | null | undefined // any value but these two has properties
    if (typeof context?.waitUntil !== 'function') continue
    context.waitUntil(work)
    return
  }
}

/** By its tag, because a runtime may have several classes of that name. */
function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]'
}
