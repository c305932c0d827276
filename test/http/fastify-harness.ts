import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { sessions } from 'coatcheck/adapters/fastify'
import { fastify } from 'fastify'
import type { HttpHarness } from './http-case.ts'
import { sessionsOf } from './node-harness.ts'

/** The adapter for Fastify, with Fastify's own error answer. */
export const fastifyHarness: HttpHarness = {
  listen: async (mounts, handle) => {
    const app = fastify({ forceCloseConnections: true })
    for (const { manager, property } of mounts) void app.register(sessions(manager, { property })) // awaited by listen()
    app.all('*', async (request, reply) => {
      const { method, url } = request
      const { status, body, headers } = await handle({ method, url, sessions: sessionsOf(request, mounts) })
      for (const [name, value] of headers) reply.header(name, value)
      reply.code(status)
      return reply.send(typeof body === 'string' ? body : Readable.from(body))
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo // listening on TCP
    return { port, close: () => app.close() }
  },
}
