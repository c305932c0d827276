import type { Context, MiddlewareHandler } from 'hono'
import { withSession } from '../context.ts'
import { refuseTaken } from '../internal/attach-session.ts'
import { commitFailure, commitResponse } from '../internal/fetch-commit.ts'
import { FetchExchange } from '../internal/fetch-exchange.ts'
import { toFailureResponse } from '../internal/fetch-failure.ts'
import { refuseUnknown } from '../internal/refuse-unknown.ts'
import type { SessionManager } from '../manager.ts'
import type { Session } from '../session.ts'

/** How sessions meet Hono. */
export interface HonoOptions<P extends string> {
  /** The variable of the context that holds the session. (default: `session`, read as `c.var.session`) */
  readonly property?: P | undefined
  /** Reads the client's address: `(c) => getConnInfo(c).remote.address`. (default: the socket's, under node) */
  readonly address?: ((c: Context) => string | undefined) | undefined
}

/** What a handler finds in its context: the session under its name. `new Hono<HonoSession<Values>>()` where it is not inferred. */
export interface HonoSession<V extends object, P extends string = 'session'> {
  /** Hono's name for what `c.var` holds. */
  Variables: { [K in P]: Session<V> }
}

/**
 * Gives each request its session at `c.var.session`. What the request changes is committed after the handlers,
 * and after `onError` where one of them failed. A store that fails when the session is loaded goes to `onError`.
 *
 * @throws {@link ConfigError} an option is unknown.
 * @example
 * const app = new Hono().use(sessions(manager)).get('/', (c) => c.text(c.var.session.userId ?? 'stranger'))
 */
export function sessions<V extends object, P extends string = 'session'>(
  manager: SessionManager<V>,
  options: HonoOptions<P> = {},
): MiddlewareHandler<HonoSession<V, P>> {
  const { property = 'session' as P, address = socketAddress, ...unknown } = options // the default of P
  refuseUnknown('sessions()', unknown)
  return async function sessions(c, next) {
    const exchange = new FetchExchange(c.req.raw, () => address(c))
    const session = await manager.start(exchange).catch((error: unknown) => throwAnswering(c, error))
    refuseTaken(`c.var.${property}`, c.get(property), session)
    c.set(property, session)
    try {
      await withSession(session, next)
    } catch (thrown) {
      setHeaders(c, await commitFailure(manager, exchange, session))
      throw thrown
    }
    if (!c.finalized) return setHeaders(c, await commitFailure(manager, exchange, session)) // Hono answers 500
    const response = await commitResponse(manager, exchange, session, c.res, (work) => waitFor(work, c))
    if (response === c.res) return
    c.res = undefined // or Hono would put the headers of the response that is replaced on the new one
    c.res = response
  }
}

/** Hono, or an outer middleware, will answer, with the headers that are set here. */
function setHeaders(c: Context, headers: Headers): void {
  for (const [name, value] of headers) c.header(name, value, { append: true })
}

/** Hono answers an error by its `getResponse`, and any other by 500. An `onError` of the application sees the error. */
function throwAnswering(c: Context, error: unknown): never {
  c.header('Vary', 'Cookie', { append: true })
  if (error instanceof Error) Object.assign(error, { getResponse: () => toFailureResponse(error) })
  throw error
}

function waitFor(work: Promise<unknown>, c: Context): void {
  let context: { waitUntil(work: Promise<unknown>): void }
  try {
    context = c.executionCtx
  } catch {
    return // Hono's way to say that the runtime has none
  }
  context.waitUntil(work)
}

/** As @hono/node-server has it: its environment is the request and response of node. */
function socketAddress(c: Context): string | undefined {
  const { incoming } = (c.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } } // undefined elsewhere
  return incoming?.socket?.remoteAddress
}
