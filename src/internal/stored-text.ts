import { ValueError } from '../errors.ts'
import { isStorableText } from './json.ts'

/** Longest user id, in bytes of UTF-8. */
const MAX_USER_ID = 255

/** @throws {@link ValueError} no store could keep this user id, or it is empty, which is nobody. */
export function checkUserId(userId: unknown): void {
  const problem = userIdProblem(userId)
  if (problem !== undefined) throw new ValueError(problem)
}

function userIdProblem(userId: unknown): string | undefined {
  if (typeof userId !== 'string') return `the user id must be a string, not a ${typeof userId}`
  const bytes = Buffer.byteLength(userId)
  if (bytes < 1 || bytes > MAX_USER_ID) return `the user id must have 1 to ${MAX_USER_ID} bytes, not ${bytes}`
  return isStorableText(userId) ? undefined : 'the user id holds U+0000 or a lone surrogate'
}

/**
 * Makes text of a client fit to be stored: cut to `maxBytes` of UTF-8 at a character, with U+FFFD for what
 * cannot be stored.
 */
export function toStoredText(text: string | undefined, maxBytes: number): string | undefined {
  if (text === undefined || text === '') return undefined
  const storable = text.slice(0, maxBytes).replace(/[\0\p{Surrogate}]/gu, '\ufffd')
  const { read } = new TextEncoder().encodeInto(storable, new Uint8Array(maxBytes))
  return storable.slice(0, read)
}
