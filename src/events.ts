/** Why a cookie that came did not give a session. */
export type RejectionReason =
  /** Not a token of ours: wrong length, alphabet, version or flags. */
  | 'malformed'
  /** Made with a key that is not listed (any more). */
  | 'unknown-key'
  /** Forged, altered, or made for another cookie name or purpose. */
  | 'bad-signature'
  /** Issued more than a minute in the future. */
  | 'from-the-future'
  /** Past the absolute end that it carries. */
  | 'expired'
  /** Genuine, but its session has ended, or expired by idle time. */
  | 'unknown'
  /** Genuine, but its session lives under a newer secret. */
  | 'superseded'
  /** Two genuine tokens that name two live sessions came in one request. */
  | 'ambiguous'

interface Fact {
  /** When, by the manager's clock. */
  readonly at: Date
}

interface SessionFact extends Fact {
  /** The session's id. */
  readonly id: string
}

interface UserFact extends SessionFact {
  /** The user who is, or was, signed in. */
  readonly userId: string
}

/** What happened to sessions, one member per fact. None holds a token, a secret, a key or a value. */
export type SessionEvent =
  /** A new record was stored. */
  | (SessionFact & { readonly type: 'created'; readonly userId: string | undefined })
  /** A request came with a live session. */
  | (SessionFact & { readonly type: 'loaded'; readonly userId: string | undefined })
  /** A request came with a cookie that gave no session. `id` only where the token is genuine. */
  | (Fact & { readonly type: 'rejected'; readonly reason: RejectionReason; readonly id: string | undefined })
  /** The secret was replaced without a sign-in. */
  | (SessionFact & { readonly type: 'renewed' })
  /** A user signed in. */
  | (UserFact & { readonly type: 'signed-in' })
  /** A user signed out, or was replaced by another user, and the session ended. */
  | (UserFact & { readonly type: 'signed-out' })
  /** Values were written. */
  | (SessionFact & { readonly type: 'saved' })
  /** The idle end was moved forward. */
  | (SessionFact & { readonly type: 'touched' })
  /** The session was ended from inside its request. */
  | (SessionFact & { readonly type: 'destroyed'; readonly userId: string | undefined })
  /** The session was ended from outside. */
  | (UserFact & { readonly type: 'revoked' })
  /** A cleanup ran; `count` expired records were deleted, maybe none. */
  | (Fact & { readonly type: 'cleaned'; readonly count: number })
  /** A write found its session ended or renewed, and was refused. */
  | (SessionFact & { readonly type: 'lost'; readonly reason: 'gone' | 'superseded' | 'ambiguous' })
  /** The store failed or did not answer in time. `operation` is the method. */
  | (Fact & {
      readonly type: 'store-failed'
      readonly operation: string
      readonly error: unknown
      readonly id: string | undefined
    })
  /** The server's clock and the manager's differ by more than a minute. Positive: the manager's is ahead. */
  | (Fact & { readonly type: 'clock-skew'; readonly seconds: number })
