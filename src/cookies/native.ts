import { Buffer } from 'node:buffer'
import crypto, { type KeyObject } from 'node:crypto'
import { ConfigError, ValueError } from '../errors.ts'
import { encodeBase64url, readBase64url } from '../internal/base64url.ts'
import { isSessionId } from '../internal/session-id.ts'
import type { EpochMs } from '../store.ts'
import { type CookieCodec, type DecodedToken, SECRET_BYTES, type Token, type TokenProblem } from './codec.ts'

/*
 * The token, version 1. Integers are big-endian; the whole is base64url in its canonical spelling.
 *
 *   bytes    header, in both forms
 *    0       version: 1
 *    1       flags: 0 signed, 1 encrypted; any other is refused
 *    2       home: 0, room for regions; any other is refused
 *    3 –  6  key id: a fingerprint of the key, never its position
 *    7 – 12  issued at, milliseconds since 1970
 *   13 – 18  absolute end, milliseconds since 1970
 *
 *   signed: 99 bytes, 132 characters       encrypted: 95 bytes, 127 characters
 *   19 – 34  id, a UUID v4                 19 – 30  IV, random
 *   35 – 66  secret                        31 – 78  id and secret, under AES-256-GCM
 *   67 – 98  HMAC-SHA-256 of               79 – 94  tag, over these as well:
 *            context and bytes 0 – 66               context and bytes 0 – 18
 *
 * The context is not sent: the purpose ("session") and the cookie's name, each in UTF-8 with its length before
 * it in 2 bytes. So no token of another cookie or another purpose is ever read here.
 *
 * Keys come from the configured ones by HKDF-SHA-256 (no salt), one label each: see LABELS.
 * IVs are random: by NIST SP 800-38D 8.3, change an encryption key before it has made 2^32 tokens.
 */
const VERSION = 1
const SIGNED = 0
const ENCRYPTED = 1
const HOME = 0
const PURPOSE = 'session'

const AT = { version: 0, flags: 1, home: 2, keyId: 3, issuedAt: 7, absoluteEnd: 13, body: 19 } as const
const TIME_BYTES = 6
const LAST_TIME = 2 ** (8 * TIME_BYTES) - 1
const ID_BYTES = 16
const BODY_BYTES = ID_BYTES + SECRET_BYTES
const MAC_AT = AT.body + BODY_BYTES
const SIGNED_BYTES = MAC_AT + 32
const IV_BYTES = 12
const SEALED_AT = AT.body + IV_BYTES
const TAG_AT = SEALED_AT + BODY_BYTES
const TAG_BYTES = 16
const ENCRYPTED_BYTES = TAG_AT + TAG_BYTES
const SIGNED_CHARACTERS = Math.ceil((SIGNED_BYTES * 8) / 6)
const ENCRYPTED_CHARACTERS = Math.ceil((ENCRYPTED_BYTES * 8) / 6)

/** How far another server's clock may be ahead of this one's. */
const MAX_SKEW_MS = 60_000

const LABELS = {
  authKey: { key: 'coatcheck/1/auth-key', id: 'coatcheck/1/auth-key-id' },
  encryptionKey: { key: 'coatcheck/1/encryption-key', id: 'coatcheck/1/encryption-key-id' },
} as const

/** What the native codec is made from; options.ts has checked the lengths of the keys by then. */
export interface NativeCodecOptions {
  /** The cookie's name, which every token is bound to. */
  readonly cookieName: string
  /** At least one. The first signs, all verify. */
  readonly authKeys: readonly Uint8Array[]
  /** Where there are any, the first encrypts in place of signing; signed tokens are still read. */
  readonly encryptionKeys: readonly Uint8Array[]
}

/**
 * Makes the codec of this package's own tokens: signed with HMAC-SHA-256 or, with an encryption key, encrypted
 * with AES-256-GCM. A token is checked with one key, the one that it names, in one operation.
 *
 * @throws {@link ConfigError} there is no key, or two keys cannot be told apart by their key ids.
 */
export function nativeCodec(options: NativeCodecOptions): CookieCodec {
  return new NativeCodec(options)
}

interface DerivedKey {
  readonly id: number
  readonly key: KeyObject
}

/**
 * Where one token at a time lies as bytes, and views of its parts. Each token overwrites the one before: buffers that are
 * made for each request cost it more than its HMAC does (measured).
 */
interface Desk {
  /** A token of either form, from its first byte on. */
  readonly token: Buffer
  /** What a MAC is over: the context and all before the MAC. */
  readonly macInput: Buffer
  readonly mac: Buffer
  /** The MAC that a token ought to have. */
  readonly rightMac: Buffer
  /** The id and the secret of a signed token. */
  readonly body: Buffer
  /** The whole of an encrypted token. */
  readonly encrypted: Buffer
  /** What an encrypted token's tag is over as well: the context and the header. */
  readonly header: Buffer
  readonly iv: Buffer
  readonly sealed: Buffer
  readonly tag: Buffer
}

function layDesk(cookieName: string): Desk {
  const context = Buffer.concat([lengthPrefixed(PURPOSE), lengthPrefixed(cookieName)])
  const all = Buffer.concat([context, Buffer.alloc(SIGNED_BYTES)])
  const token = all.subarray(context.length)
  return {
    token,
    macInput: all.subarray(0, context.length + MAC_AT),
    mac: token.subarray(MAC_AT, SIGNED_BYTES),
    rightMac: Buffer.alloc(SIGNED_BYTES - MAC_AT),
    body: token.subarray(AT.body, MAC_AT),
    encrypted: token.subarray(0, ENCRYPTED_BYTES),
    header: all.subarray(0, context.length + AT.body),
    iv: token.subarray(AT.body, SEALED_AT),
    sealed: token.subarray(SEALED_AT, TAG_AT),
    tag: token.subarray(TAG_AT, ENCRYPTED_BYTES),
  }
}

class NativeCodec implements CookieCodec {
  readonly #desk: Desk
  readonly #authKeys: ReadonlyMap<number, KeyObject>
  readonly #encryptionKeys: ReadonlyMap<number, KeyObject>
  readonly #signsWith: DerivedKey
  readonly #encryptsWith: DerivedKey | undefined

  constructor({ cookieName, authKeys, encryptionKeys }: NativeCodecOptions) {
    const auth = deriveKeys('authKey', authKeys)
    const encryption = deriveKeys('encryptionKey', encryptionKeys)
    const [first] = auth
    if (first === undefined) throw new ConfigError('authKey must hold at least one key')
    this.#desk = layDesk(cookieName)
    this.#authKeys = new Map(auth.map(({ id, key }) => [id, key]))
    this.#encryptionKeys = new Map(encryption.map(({ id, key }) => [id, key]))
    this.#signsWith = first
    this.#encryptsWith = encryption[0]
  }

  encode(token: Token): string {
    checkToken(token)
    return encodeBase64url(
      this.#encryptsWith === undefined
        ? this.#sign(token, this.#signsWith)
        : this.#encrypt(token, this.#encryptsWith),
    )
  }

  decode(text: string, now: EpochMs): DecodedToken {
    if (!this.#read(text)) return refused('malformed')
    const { token } = this.#desk
    const body = token[AT.flags] === SIGNED ? this.#verify() : this.#decrypt()
    // From here on the bytes are known to be ours.
    return typeof body === 'string' ? refused(body) : readToken(token, body, now)
  }

  /** Lays a token on the desk. @returns whether it is built like one, which is checked before any cryptography. */
  #read(text: string): boolean {
    if (text.length !== SIGNED_CHARACTERS && text.length !== ENCRYPTED_CHARACTERS) return false
    const { token } = this.#desk
    const length = readBase64url(text, token)
    if (token[AT.version] !== VERSION || token[AT.home] !== HOME) return false
    return token[AT.flags] === SIGNED
      ? length === SIGNED_BYTES
      : token[AT.flags] === ENCRYPTED && length === ENCRYPTED_BYTES
  }

  #sign(token: Token, { id, key }: DerivedKey): Buffer {
    writeHeader(this.#desk.token, token, SIGNED, id)
    writeBody(this.#desk.body, token)
    this.#writeMac(this.#desk.mac, key)
    return this.#desk.token
  }

  /** The id and the secret of a signed token, once its MAC is found right. */
  #verify(): Buffer | TokenProblem {
    const { token, mac, rightMac, body } = this.#desk
    const key = this.#authKeys.get(token.readUInt32BE(AT.keyId))
    if (key === undefined) return 'unknown-key'
    this.#writeMac(rightMac, key)
    return crypto.timingSafeEqual(rightMac, mac) ? body : 'bad-signature'
  }

  #writeMac(to: Buffer, key: KeyObject): void {
    // Taken as text, because that costs 0.5 µs less than a digest which is handed over as a Buffer.
    to.write(crypto.createHmac('sha256', key).update(this.#desk.macInput).digest('hex'), 'hex')
  }

  #encrypt(token: Token, { id, key }: DerivedKey): Buffer {
    const { encrypted, header, iv, sealed, tag } = this.#desk
    writeHeader(encrypted, token, ENCRYPTED, id)
    iv.set(crypto.randomBytes(IV_BYTES))
    const body = Buffer.alloc(BODY_BYTES)
    writeBody(body, token)
    const cipher = crypto.createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
    cipher.setAAD(header)
    sealed.set(cipher.update(body))
    cipher.final()
    tag.set(cipher.getAuthTag())
    return encrypted
  }

  /** The id and the secret of an encrypted token, once its tag is found right. */
  #decrypt(): Buffer | TokenProblem {
    const { token, header, iv, sealed, tag } = this.#desk
    const key = this.#encryptionKeys.get(token.readUInt32BE(AT.keyId))
    if (key === undefined) return 'unknown-key'
    const decipher = crypto.createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
    decipher.setAAD(header)
    decipher.setAuthTag(tag)
    const body = decipher.update(sealed)
    try {
      decipher.final()
    } catch {
      return 'bad-signature'
    }
    return body
  }
}

/** Reads a genuine token. `body` is its id and secret, in the clear. */
function readToken(bytes: Buffer, body: Buffer, now: EpochMs): DecodedToken {
  const id = toUuid(body)
  if (id === undefined) return refused('malformed')
  const issuedAt = bytes.readUIntBE(AT.issuedAt, TIME_BYTES)
  if (issuedAt > now + MAX_SKEW_MS) return refused('from-the-future', id)
  const absoluteEnd = bytes.readUIntBE(AT.absoluteEnd, TIME_BYTES)
  if (absoluteEnd <= now) return refused('expired', id)
  // A copy: the next token overwrites the bytes.
  const secret = new Uint8Array(body.subarray(ID_BYTES))
  return { ok: true, token: { id, secret, issuedAt, absoluteEnd } }
}

function refused(reason: TokenProblem, id?: string): DecodedToken {
  return { ok: false, reason, id }
}

function checkToken({ id, secret, issuedAt, absoluteEnd }: Token): void {
  if (!isSessionId(id)) throw new ValueError('token id must be a UUID v4 in lower case')
  if (secret.length !== SECRET_BYTES) throw new ValueError(`token secret must be ${SECRET_BYTES} bytes`)
  for (const [name, time] of Object.entries({ issuedAt, absoluteEnd })) {
    if (!Number.isInteger(time) || time < 0 || time > LAST_TIME) {
      throw new ValueError(`token ${name} must be whole milliseconds since 1970 in 48 bits`)
    }
  }
}

function writeHeader(bytes: Buffer, token: Token, flags: number, keyId: number): void {
  bytes.writeUInt8(VERSION, AT.version)
  bytes.writeUInt8(flags, AT.flags)
  bytes.writeUInt8(HOME, AT.home)
  bytes.writeUInt32BE(keyId, AT.keyId)
  bytes.writeUIntBE(token.issuedAt, AT.issuedAt, TIME_BYTES)
  bytes.writeUIntBE(token.absoluteEnd, AT.absoluteEnd, TIME_BYTES)
}

function writeBody(bytes: Buffer, { id, secret }: Token): void {
  bytes.write(id.replaceAll('-', ''), 'hex')
  bytes.set(secret, ID_BYTES)
}

/** The UUID in the first 16 bytes, if it is one of version 4 and variant 1. @see RFC 9562 section 5.4 */
function toUuid(bytes: Buffer): string | undefined {
  if ((bytes.readUInt8(6) & 0xf0) !== 0x40 || (bytes.readUInt8(8) & 0xc0) !== 0x80) return undefined
  const hex = bytes.toString('hex', 0, ID_BYTES)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Derives what each configured key is used as. A key that is listed twice counts once. */
function deriveKeys(option: keyof typeof LABELS, keys: readonly Uint8Array[]): DerivedKey[] {
  const derived: DerivedKey[] = []
  for (const material of keys) {
    const id = Buffer.from(hkdf(material, LABELS[option].id, 4)).readUInt32BE()
    const key = crypto.createSecretKey(Buffer.from(hkdf(material, LABELS[option].key, 32)))
    const twin = derived.find((other) => other.id === id)
    if (twin === undefined) derived.push({ id, key })
    else if (!twin.key.equals(key))
      throw new ConfigError(`${option} holds two keys with one key id: replace one`)
  }
  return derived
}

function hkdf(material: Uint8Array, label: string, length: number): ArrayBuffer {
  return crypto.hkdfSync('sha256', material, '', label, length)
}
