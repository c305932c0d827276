import type { RejectionReason } from '../events.ts'
import type { EpochMs } from '../store.ts'

/** Length of the secret in a token. */
export const SECRET_BYTES = 32

/** What a session cookie says: which session, and the proof that it may be opened. */
export interface Token {
  /** UUID v4 in canonical lower-case form. */
  readonly id: string
  /** 32 random bytes. The store holds only their SHA-256. */
  readonly secret: Uint8Array
  /** When this token was made. */
  readonly issuedAt: EpochMs
  /** The session's absolute end: from this instant on, the token is dead. */
  readonly absoluteEnd: EpochMs
}

/** Why a text is no token, as far as that shows without a store. */
export type TokenProblem = Extract<
  RejectionReason,
  'malformed' | 'unknown-key' | 'bad-signature' | 'from-the-future' | 'expired'
>

/** What became of reading a cookie's value. `id` of a refused one is there only where the token is genuine. */
export type DecodedToken =
  | { readonly ok: true; readonly token: Token }
  | { readonly ok: false; readonly reason: TokenProblem; readonly id: string | undefined }

/** Makes and reads the value of the session cookie. */
export interface CookieCodec {
  /**
   * Makes a cookie value of cookie-octets, at most 256 characters.
   *
   * @throws {@link ValueError} the format cannot hold a part of the token.
   */
  encode(token: Token): string

  /** Reads a cookie value that anybody may have made up. Never throws. @param now The manager's clock. */
  decode(text: string, now: EpochMs): DecodedToken
}
