import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { withSession } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import { attachSession } from '../internal/attach-session.ts'
import { answerFailure } from '../internal/failure-answer.ts'
import { holdHead } from '../internal/held-response.ts'
import { NodeExchange, socketAddress } from '../internal/node-exchange.ts'
import { refuseUnknown } from '../internal/refuse-unknown.ts'
import type { SessionManager } from '../manager.ts'
import type { Session } from '../session.ts'

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse

/** How sessions meet node's own servers. */
export interface NodeOptions {
  /** The property of the request that holds the session. (default: `session`) */
  readonly property?: string | undefined
  /** Reads the client's address, behind a proxy that you trust. (default: the socket's) */
  readonly address?: ((request: Request) => string | undefined) | undefined
}

/**
 * Loads the session of a request, then calls `next`.
 *
 * @param next Called with an error if the store fails; without it, such a request is answered here.
 * @returns the session, once it is loaded; `undefined` if there is none because the store failed.
 */
export type NodeMiddleware<V extends object> = (
  request: Request,
  response: Response,
  next?: (error?: unknown) => void,
) => Promise<Session<V> | undefined>

/**
 * Gives each request its session, for `http`, `https`, `http2` (its compatibility API) and connect-style chains.
 * What the request changes is committed before the head of its response goes.
 *
 * @throws {@link ConfigError} an option is unknown.
 * @example
 * const middleware = sessions(manager)
 * http.createServer((req, res) => middleware(req, res, (error) => handle(req, res, error)))
 */
export function sessions<V extends object>(
  manager: SessionManager<V>,
  options: NodeOptions = {},
): NodeMiddleware<V> {
  const { property = 'session', address = socketAddress, ...unknown } = options
  refuseUnknown('sessions()', unknown)
  return async function sessions(request, response, next) {
    const exchange = toExchange(request, response, { address })
    let session: Session<V>
    try {
      session = await manager.start(exchange)
      attachSession(request, property, session)
    } catch (error) {
      if (next === undefined) answerFailure(response, error)
      else next(error)
      return undefined
    }
    holdHead(response, manager, exchange, session)
    if (next !== undefined) withSession(session, next)
    return session
  }
}

/**
 * Makes the exchange of a request, for what a middleware does not see. Of an upgrade (WebSocket) there is no
 * response: its session can be read, not changed.
 */
export function toExchange(
  request: Request,
  response?: Response,
  options: Pick<NodeOptions, 'address'> = {},
): Exchange {
  return new NodeExchange(request, response, options.address ?? socketAddress)
}
