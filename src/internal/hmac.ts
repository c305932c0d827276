import { Buffer } from 'node:buffer'
import { sha256Hex } from './sha256.ts'

const BLOCK_BYTES = 64
const HASH_BYTES = 32

/**
 * HMAC-SHA-256 under one key, of messages of one length that follow the same prefix.
 *
 * Made of two hashes, as RFC 2104 defines it: an Hmac object of `node:crypto` for each message costs 4 µs more,
 * most of them when it is collected (measured on Node 24).
 */
export class Hmac {
  readonly #inner: Buffer
  readonly #outer: Buffer
  readonly #messageAt: number
  readonly #messageBytes: number

  /** @param key At most 64 bytes. */
  constructor(key: Uint8Array, prefix: Uint8Array, messageBytes: number) {
    if (key.length > BLOCK_BYTES) throw new RangeError(`the key has more than ${BLOCK_BYTES} bytes`)
    this.#messageAt = BLOCK_BYTES + prefix.length
    this.#messageBytes = messageBytes
    this.#inner = Buffer.alloc(this.#messageAt + messageBytes)
    this.#inner.set(pad(key, 0x36))
    this.#inner.set(prefix, BLOCK_BYTES)
    this.#outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES)
    this.#outer.set(pad(key, 0x5c))
  }

  /** The tag of the message that `bytes` begins with. */
  digest(bytes: Buffer): Buffer {
    bytes.copy(this.#inner, this.#messageAt, 0, this.#messageBytes)
    this.#outer.write(sha256Hex(this.#inner), BLOCK_BYTES, 'hex')
    return Buffer.from(sha256Hex(this.#outer), 'hex')
  }
}

function pad(key: Uint8Array, byte: number): Uint8Array {
  return Uint8Array.from({ length: BLOCK_BYTES }, (_, at) => (key[at] ?? 0) ^ byte)
}
