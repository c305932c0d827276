import type { IncomingMessage, ServerResponse } from 'node:http'
import { withSession } from '../context.ts'
import { attachSession } from '../internal/attach-session.ts'
import { holdHead } from '../internal/held-response.ts'
import { NodeExchange } from '../internal/node-exchange.ts'
import { refuseUnknown } from '../internal/refuse-unknown.ts'
import type { SessionManager } from '../manager.ts'
import type { Session } from '../session.ts'

type Request = IncomingMessage & { readonly ip?: string | undefined }

/** How sessions meet Express. */
export interface ExpressOptions {
  /** The property of the request that holds the session. (default: `session`) */
  readonly property?: string | undefined
}

/** A middleware of Express 4 and 5. */
export type ExpressMiddleware = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>

/**
 * Gives each request its session at `req.session`, for Express 4 and 5. What the request changes is committed
 * before the head of its response goes. A store that fails when the session is loaded goes to `next(error)`.
 *
 * The client's address is `req.ip`: behind a proxy, set `trust proxy`.
 *
 * @throws {@link ConfigError} an option is unknown.
 * @example
 * const app = express().use(sessions(manager))
 */
export function sessions<V extends object>(
  manager: SessionManager<V>,
  options: ExpressOptions = {},
): ExpressMiddleware {
  const { property = 'session', ...unknown } = options
  refuseUnknown('sessions()', unknown)
  return async function sessions(request, response, next) {
    const exchange = new NodeExchange(request, response, ipOf)
    let session: Session<V>
    try {
      session = await manager.start(exchange)
      attachSession(request, property, session)
    } catch (error) {
      next(error)
      return
    }
    holdHead(response, manager, exchange, session)
    withSession(session, next)
  }
}

function ipOf(request: Request): string | undefined {
  return request.ip
}
