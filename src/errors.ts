/** What went wrong, as a stable string: part of the API. */
export type SessionErrorCode = AnySessionError['code']

/** Every error that this package throws; a `switch` on `code` narrows it. */
export type AnySessionError = ConfigError | ValueError | StateError | ConflictError | StoreError

/**
 * The base of every error that this package throws.
 *
 * Messages name an option, a key or a path. They never hold a token, a secret, a key or a session's values.
 */
export abstract class SessionError extends Error {
  /** Stable name of the kind of error. */
  abstract readonly code: string
  /** HTTP status of the answer, as Koa and Express read it. */
  abstract readonly status: number
  /** Whether the message may be shown to the client: never. Read by Koa and http-errors. */
  readonly expose = false

  /** The same as `status`, as Fastify reads it. */
  get statusCode(): number {
    return this.status
  }

  override get name(): string {
    return this.constructor.name
  }
}

/** An option cannot work. Thrown at construction only; the developer mends it before release. */
export class ConfigError extends SessionError {
  override readonly code = 'ERR_SESSION_CONFIG'
  override readonly status = 500
}

/** A value that JSON cannot hold or that is too large, or a stored record that cannot be read. */
export class ValueError extends SessionError {
  override readonly code = 'ERR_SESSION_VALUE'
  override readonly status = 500
}

/** A session was written to after its end or after the head had gone, or is not there at all. */
export class StateError extends SessionError {
  override readonly code = 'ERR_SESSION_STATE'
  override readonly status = 500
}

/**
 * The session had ended or was renewed before the commit, or `update()` lost against others too many times.
 * Nothing of this commit was written. The client may ask again.
 */
export class ConflictError extends SessionError {
  override readonly code = 'ERR_SESSION_CONFLICT'
  override readonly status = 409
}

/** The backend failed or did not answer in time. `cause` is the driver's own error. A retry may help. */
export class StoreError extends SessionError {
  override readonly code = 'ERR_SESSION_STORE'
  override readonly status = 503
  /** The store's method that failed. */
  readonly operation: string

  constructor(operation: string, cause: unknown) {
    super(`session store failed to ${operation}`, { cause })
    this.operation = operation
  }
}
