const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether a text can be a session's id: UUID v4 in canonical lower-case form (RFC 9562 section 5.4). */
export function isSessionId(text: unknown): text is string {
  return typeof text === 'string' && UUID_V4.test(text)
}
