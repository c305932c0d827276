import { ConflictError, ValueError } from '../errors.ts'
import type { SessionChange } from '../store.ts'

/** Why a write has no session to go to. */
export type LostReason = 'gone' | 'superseded' | 'ambiguous'

const LOST: Record<LostReason, string> = {
  gone: 'the session ended before its changes were saved',
  superseded: 'the session was renewed by another request before these changes were saved',
  ambiguous: 'two sessions came in one request, so that its changes belong to neither',
}

/** The error of a commit whose session is not there any more as its request knew it. */
export function lost(reason: LostReason, onLost: (reason: LostReason) => void): ConflictError {
  onLost(reason)
  return new ConflictError(LOST[reason])
}

/**
 * The bound to give to the store with a change.
 *
 * A change that sets nothing makes no record larger and is never refused, or nobody could sign in to a session
 * that is too large already: under a bound that was lowered, or as PostgreSQL writes 1e21, in 22 digits.
 */
export function boundFor(change: Pick<SessionChange, 'set'>, maxValuesBytes: number): number {
  return change.set === undefined || change.set.size === 0 ? Number.MAX_SAFE_INTEGER : maxValuesBytes
}

/** The error of a commit whose values exceed the bound. */
export function tooLarge(maxValuesBytes: number): ValueError {
  return new ValueError(`the session's values would have more than ${maxValuesBytes} bytes (maxValuesBytes)`)
}
