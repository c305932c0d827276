import crypto from 'node:crypto'

/** The parts of a token, as the head comment of src/cookies/native.ts lays them out. */
export interface TokenParts {
  readonly version: number
  readonly flags: number
  readonly home: number
  readonly key: Uint8Array
  readonly issuedAt: number
  readonly absoluteEnd: number
  /** 16 bytes as hex digits. */
  readonly id: string
  readonly secret: Uint8Array
  readonly purpose: string
  readonly cookieName: string
  /** Encrypted tokens only. */
  readonly iv: Uint8Array
}

const derive = (key: Uint8Array, label: string, length: number) =>
  Buffer.from(crypto.hkdfSync('sha256', key, '', `coatcheck/1/${label}`, length))

const prefixed = (text: string) => {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

const hexTime = (time: number) => Buffer.from(time.toString(16).padStart(12, '0'), 'hex')

const header = (parts: TokenParts, label: string) =>
  Buffer.concat([
    Buffer.from([parts.version, parts.flags, parts.home]),
    derive(parts.key, `${label}-id`, 4),
    hexTime(parts.issuedAt),
    hexTime(parts.absoluteEnd),
  ])

const context = (parts: TokenParts) => Buffer.concat([prefixed(parts.purpose), prefixed(parts.cookieName)])

const body = (parts: TokenParts) => Buffer.concat([Buffer.from(parts.id, 'hex'), parts.secret])

/** Makes a signed token from the description of the format alone, without the code under test. */
export function handMadeSignedToken(parts: TokenParts): Buffer {
  const signed = Buffer.concat([header(parts, 'auth-key'), body(parts)])
  const key = derive(parts.key, 'auth-key', 32)
  const mac = crypto
    .createHmac('sha256', key)
    .update(Buffer.concat([context(parts), signed]))
    .digest()
  return Buffer.concat([signed, mac])
}

/** Makes an encrypted token from the description of the format alone, without the code under test. */
export function handMadeEncryptedToken(parts: TokenParts): Buffer {
  const head = header(parts, 'encryption-key')
  const cipher = crypto.createCipheriv('aes-256-gcm', derive(parts.key, 'encryption-key', 32), parts.iv)
  cipher.setAAD(Buffer.concat([context(parts), head]))
  const sealed = Buffer.concat([cipher.update(body(parts)), cipher.final()])
  return Buffer.concat([head, parts.iv, sealed, cipher.getAuthTag()])
}
