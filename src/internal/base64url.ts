import { Buffer } from 'node:buffer'

/** Writes bytes as base64url without padding. @see RFC 4648 section 5 */
export function encodeBase64url(bytes: Buffer): string {
  return bytes.toString('base64url')
}

/**
 * Reads base64url in its one canonical spelling. `Buffer` alone also takes `+`, `/`, `=`, white space, stray
 * characters and leftover bits, and so would read many texts as the same bytes.
 *
 * @returns `undefined` for any other spelling.
 */
export function readBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
