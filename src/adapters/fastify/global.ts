import type {} from 'fastify'
import type { Session } from '../../session.ts'

declare module 'fastify' {
  /** Every request that passed `sessions(manager)`; opt-in, by importing this module. */
  interface FastifyRequest {
    session: Session
  }
}
