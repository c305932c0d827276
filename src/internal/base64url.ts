import type { Buffer } from 'node:buffer'

/** Writes bytes as base64url without padding. @see RFC 4648 section 5 */
export function encodeBase64url(bytes: Buffer): string {
  return bytes.toString('base64url')
}

/**
 * Reads base64url in its one canonical spelling. `Buffer` alone also takes `+`, `/`, `=`, white space, stray
 * characters and leftover bits, and so would read many texts as the same bytes.
 *
 * @param into Takes the bytes, from its first one on: a buffer for each text would cost 1 µs (measured).
 * @returns how many bytes they are; `undefined` for any other spelling, and for a text that is too long.
 */
export function readBase64url(text: string, into: Buffer): number | undefined {
  const length = into.write(text, 'base64url')
  return into.toString('base64url', 0, length) === text ? length : undefined
}
