import type { Random } from './random.ts'

/** The name of the session cookie under attack. */
export const COOKIE = '__Host-id'

/** Bytes that mean something to a parser of headers, of cookies or of base64url, and some that mean nothing to any. */
const SHARP = Buffer.from('=;,"\\ \t%+/-_.AZaz09{}[]()<>@:?#&|~`\'!$*^\u007f\u0080\u00a0\u00ff', 'latin1')

/** Bytes that end a header line, or that no header may hold. */
const FORBIDDEN = Buffer.from('\0\r\n\u0001\u001f', 'latin1')

const strokes: readonly [Stroke, ...Stroke[]] = [
  (bytes, at) => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at & 7)) // one bit turned
    return bytes
  },
  (bytes, at, random) => {
    bytes[at] = SHARP[random.below(SHARP.length)] ?? 0
    return bytes
  },
  (bytes, at, random) => {
    bytes[at] = random.below(256)
    return bytes
  },
  (bytes, at, random) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]),
  (bytes, at, random) =>
    Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(4)), bytes.subarray(at)]),
  (bytes, at, random) => {
    const piece = bytes.subarray(at, at + 1 + random.below(40)) // a piece twice
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
  },
  (bytes, at) => Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]), // the ends changed over
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at) => bytes.fill(bytes[at] ?? 0, at, Math.min(at + 16, bytes.length)),
]

type Stroke = (bytes: Buffer, at: number, random: Random) => Buffer

/** The bytes with one to four strokes of the pen. */
export function mutated(original: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original)
  for (let count = 1 + random.below(4); count > 0; count--) {
    if (bytes.length > 0) bytes = random.of(strokes)(bytes, random.below(bytes.length), random)
  }
  return bytes
}

/** A token whose bytes, below the base64url, were altered: it keeps its spelling and its length. */
function forged(token: string, random: Random): string {
  const bytes = Buffer.from(token, 'base64url')
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255))
  }
  return bytes.toString('base64url')
}

/** Two tokens, one cut into the other. */
function spliced(a: string, b: string, random: Random): string {
  const at = random.below(a.length)
  return a.slice(0, at) + b.slice(at)
}

/** What real requests carry, from which hostile ones are made. */
export interface Seeds {
  /** Tokens of live sessions. */
  readonly live: readonly [string, ...string[]]
  /** Genuine ones of other keys, other cookie names, an earlier day: nothing may be read for them. */
  readonly foreign: readonly [string, ...string[]]
}

/** The value of a Cookie header, as bytes that node's parser lets through. */
export function hostileCookie(seeds: Seeds, random: Random): Buffer {
  const token = random.of([...seeds.live, ...seeds.foreign])
  const other = random.of(seeds.live)
  const header = random.of([
    () => `${COOKIE}=${forged(token, random)}`,
    () => `${COOKIE}=${spliced(token, other, random)}`,
    () => `${COOKIE}=${random.of(seeds.foreign)}`,
    () => `a=b; ${COOKIE}=${token}; c="d e"`,
    () => `${COOKIE}=${token}`,
    () => Array.from({ length: random.below(12) }, () => `${COOKIE}=${forged(other, random)}`).join('; '),
    () => `${COOKIE}="${forged(token, random)}"; $Path=/; ${COOKIE.toLowerCase()}=${token.slice(1)}`,
    () => `${random.bytes(random.below(60)).toString('latin1')}; ${COOKIE}=${forged(token, random)}`,
    () => `${COOKIE}=${'x'.repeat(random.below(400))}`,
    () => `${`${COOKIE}=`.repeat(random.below(30))}${COOKIE};=${token.slice(1)}`,
    () => (random.below(20) === 0 ? `${COOKIE}=${'%00;'.repeat(random.below(3600))}` : ''),
  ])()
  const bytes = Buffer.from(header, 'latin1')
  return toHeaderBytes(random.below(3) === 0 ? bytes : mutated(bytes, random))
}

/** A User-Agent header, from a real one or from nothing. */
export function hostileUserAgent(random: Random): Buffer {
  const real = Buffer.from('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36')
  return toHeaderBytes(
    random.of([() => mutated(real, random), () => random.bytes(random.below(700)), () => Buffer.alloc(0)])(),
  )
}

/** Text of any 16-bit units, as a client can bring it into an application: half pairs and U+0000 too. */
export function hostileText(random: Random): string {
  const units = random.of([
    () => random.bytes(2 * random.below(40)),
    () => Buffer.from(random.bytes(random.below(40)).toString('latin1'), 'utf16le'),
    () =>
      Buffer.from(
        random.of(['__proto__', '{"a":1}', '\\u0000', '🧥', "'; drop table sessions; --"]),
        'utf16le',
      ),
  ])()
  return units.toString('utf16le')
}

/** Puts a space where a byte may not stand in a header: those who send these get no further than node's parser. */
function toHeaderBytes(bytes: Buffer): Buffer {
  return bytes.map((byte) => ((byte < 0x20 && byte !== 0x09) || byte === 0x7f ? 0x20 : byte)) as Buffer // same class
}

/** Bytes that node's parser has to refuse, or to take apart. */
export function brokenHead(seeds: Seeds, random: Random): Buffer {
  const cookie = random.of([
    () => mutated(hostileCookie(seeds, random), random),
    () => Buffer.alloc(16_000 + random.below(20_000), `${COOKIE}=x;`),
  ])()
  const at = random.below(cookie.length + 1)
  const byte = FORBIDDEN.subarray(random.below(FORBIDDEN.length)).subarray(0, 1)
  return Buffer.concat([cookie.subarray(0, at), byte, cookie.subarray(at)])
}
