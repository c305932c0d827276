export { getSession, withSession } from './context.ts'
export type { AnySessionError, SessionErrorCode } from './errors.ts'
export { ConfigError, ConflictError, SessionError, StateError, StoreError, ValueError } from './errors.ts'
export type { RejectionReason, SessionEvent } from './events.ts'
export type { Exchange, SetCookie } from './exchange.ts'
export type { Key } from './internal/keys.ts'
export { generateKey } from './internal/keys.ts'
export { SessionManager } from './manager.ts'
export type { CookieOptions, SessionManagerOptions } from './options.ts'
export type { ListOptions, Session, SessionInfo, SignInOptions } from './session.ts'
export type {
  EpochMs,
  JsonText,
  ListPage,
  Renewal,
  SaveResult,
  SessionChange,
  SessionListing,
  SessionRecord,
  SignIn,
  Store,
  Touch,
} from './store.ts'
export type * from './values.ts'
