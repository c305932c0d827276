import type { DefaultState, Middleware } from 'koa'
import { withSession } from '../context.ts'
import { attachSession } from '../internal/attach-session.ts'
import { holdHead } from '../internal/held-response.ts'
import { NodeExchange } from '../internal/node-exchange.ts'
import { refuseUnknown } from '../internal/refuse-unknown.ts'
import type { SessionManager } from '../manager.ts'
import type { Session } from '../session.ts'

/** How sessions meet Koa. */
export interface KoaOptions<P extends string> {
  /** The property of the context that holds the session. (default: `session`) */
  readonly property?: P | undefined
}

/**
 * Gives each request its session at `ctx.session`. What the request changes is committed before the head of its
 * response goes, that of Koa's own error page included. A store that fails when the session is loaded is thrown,
 * and answered 503.
 *
 * The client's address is `ctx.ip`: behind a proxy, set `app.proxy`.
 *
 * @throws {@link ConfigError} an option is unknown.
 * @example
 * const app = new Koa().use(sessions(manager)).use((ctx) => (ctx.body = ctx.session.userId ?? 'stranger'))
 */
export function sessions<V extends object, P extends string = 'session'>(
  manager: SessionManager<V>,
  options: KoaOptions<P> = {},
): Middleware<DefaultState, { [K in P]: Session<V> }> {
  const { property = 'session' as P, ...unknown } = options // the default of P
  refuseUnknown('sessions()', unknown)
  return async function sessions(ctx, next) {
    const exchange = new NodeExchange(ctx.req, ctx.res, () => ctx.ip)
    const session = await manager.start(exchange).catch(throwVarying)
    attachSession(ctx, property, session, 'ctx')
    holdHead(ctx.res, manager, exchange, session)
    await withSession(session, next)
  }
}

/** Koa's error page has no header but those that the error brings. */
function throwVarying(error: unknown): never {
  if (error instanceof Error) Object.assign(error, { headers: { Vary: 'Cookie' } })
  throw error
}
