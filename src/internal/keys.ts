import { randomBytes } from 'node:crypto'

/** Key material: a string is its UTF-8 text, never decoded. At least 32 bytes. */
export type Key = string | Uint8Array

const MIN_BYTES = 32

// Found in tutorials and sample configurations. A key made of one of them, repeated or padded, is no secret.
// A longer word stands after those that it contains, and is looked for first.
const WELL_KNOWN = [
  'secret',
  'password',
  'passphrase',
  'changeme',
  'changethis',
  'replaceme',
  'keyboardcat',
  'supersecret',
  'yoursecret',
  'mysecret',
  'sessionsecret',
  'default',
  'example',
  'insecure',
]

/** Makes a key: 32 random bytes as base64url text. */
export function generateKey(): string {
  return randomBytes(MIN_BYTES).toString('base64url')
}

/** What is wrong with a key that a developer gave. Never says what is in it. */
export function keyProblem(key: unknown): string | undefined {
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) return 'must be a string or a Uint8Array'
  const bytes = toKeyBytes(key)
  if (bytes.length < MIN_BYTES)
    return `must have at least ${MIN_BYTES} bytes, not ${bytes.length}; see generateKey()`
  if (new Set(bytes).size < 8) return 'repeats a few bytes, which is no secret; see generateKey()'
  return isWellKnown(Buffer.from(bytes).toString('latin1'))
    ? 'is a well-known placeholder; see generateKey()'
    : undefined
}

/** The bytes of a key. */
export function toKeyBytes(key: Key): Uint8Array {
  return typeof key === 'string' ? new TextEncoder().encode(key) : Uint8Array.from(key)
}

function isWellKnown(key: string): boolean {
  const letters = key.toLowerCase().replace(/[^a-z]/g, '')
  const rest = WELL_KNOWN.reduceRight((text, word) => text.replaceAll(word, ''), letters)
  return letters !== '' && rest === ''
}
