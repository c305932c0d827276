import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { getSession, withSession } from '../context.ts'
import { attachedSession, attachSession } from '../internal/attach-session.ts'
import { holdHead } from '../internal/held-response.ts'
import { NodeExchange } from '../internal/node-exchange.ts'
import { refuseUnknown } from '../internal/refuse-unknown.ts'
import type { SessionManager } from '../manager.ts'
import type { Session } from '../session.ts'

/** How sessions meet Fastify. */
export interface FastifyOptions {
  /** The property of the request that holds the session. (default: `session`) */
  readonly property?: string | undefined
}

/**
 * Gives each request of the scope that it is registered in its session at `request.session`, for Fastify 5. What
 * the request changes is committed before the head of its response goes: whatever `onSend` hooks, a stream that
 * fails before its first byte or `reply.hijack()` make of the answer. A store that fails when the session is
 * loaded goes to the error handler.
 *
 * The client's address is `request.ip`: behind a proxy, set `trustProxy`.
 *
 * @throws {@link ConfigError} an option is unknown.
 * @example
 * const app = fastify().register(sessions(manager))
 */
export function sessions<V extends object>(
  manager: SessionManager<V>,
  options: FastifyOptions = {},
): FastifyPluginCallback {
  const { property = 'session', ...unknown } = options
  refuseUnknown('sessions()', unknown)

  async function load(request: FastifyRequest, reply: FastifyReply): Promise<Session<V>> {
    const exchange = new NodeExchange(request.raw, reply.raw, () => request.ip)
    const session = await manager.start(exchange)
    attachSession(request, property, session)
    holdHead(reply.raw, manager, exchange, session)
    return session
  }

  const plugin: FastifyPluginCallback = (app, _options, done) => {
    if (!app.hasRequestDecorator(property)) app.decorateRequest(property, null)
    app.addHook('onRequest', (request, reply, next) => {
      load(request, reply).then((session) => withSession(session, next), next)
    })
    // The events of a body that is parsed come from outside of the request's async context.
    app.addHook('preValidation', (request, _reply, next) => {
      const session = attachedSession<V>(request, property)
      if (session === undefined || getSession(manager) === session) next()
      else withSession(session, next)
    })
    done()
  }
  return Object.assign(plugin, {
    // What fastify-plugin does: the hooks count in the scope that registers them, not in one of their own.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'coatcheck',
    [Symbol.for('plugin-meta')]: { name: 'coatcheck', fastify: '5.x' },
  })
}
