import type { SessionInfo } from '../session.ts'
import type { SessionListing } from '../store.ts'

/** What a list may tell of a session. Takes nothing over that could open one. */
export function toSessionInfo(listing: SessionListing): SessionInfo {
  const { id, userId, createdAt, signedInAt, lastSeenAt, expiresAt, address, userAgent } = listing
  return {
    id,
    userId,
    createdAt: new Date(createdAt),
    // A session that came from another system's table has no sign-in of its own.
    signedInAt: new Date(signedInAt ?? createdAt),
    lastSeenAt: new Date(lastSeenAt),
    expiresAt: new Date(expiresAt),
    address,
    userAgent,
  }
}
