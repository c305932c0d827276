import type { Session } from '../../session.ts'

declare global {
  // eslint-disable-next-line no-restricted-syntax, @typescript-eslint/no-namespace -- Express's types are extended by merging into its namespace
  namespace Express {
    /** Every request that passed `sessions(manager)`; opt-in, by importing this module. */
    interface Request {
      session: Session
    }
  }
}
