import { timingSafeEqual } from 'node:crypto'
import type { CookieCodec, Token } from '../cookies/codec.ts'
import { readCookies } from '../cookies/header.ts'
import type { RejectionReason } from '../events.ts'
import type { EpochMs, SessionRecord } from '../store.ts'
import type { Arrival } from './draft.ts'
import type { Emit } from './observer.ts'
import { sha256Hex } from './sha256.ts'
import type { StoreCall } from './store-guard.ts'

/** Cookies of our name that are looked at in one request: an attacker on a sibling domain can add some. */
const MAX_CANDIDATES = 8

/** How long after a renewal the old token counts as that of a parallel request. */
const SUPERSEDED_GRACE_MS = 30_000

/** What authenticating takes. */
export interface Authentication {
  readonly codec: CookieCodec
  readonly cookieName: string
  readonly emit: Emit | undefined
}

/** What the cookies of one request gave. */
export interface Authenticated {
  readonly arrival: Arrival
  /** Whether a cookie of our name came, of whatever worth. */
  readonly cookieCame: boolean
}

/**
 * Finds the session that a Cookie header proves possession of. Whatever is wrong with it is an answer: nobody.
 *
 * @throws {@link StoreError} the store could not be asked.
 */
export async function authenticate(
  { codec, cookieName, emit }: Authentication,
  header: string | undefined,
  now: EpochMs,
  call: StoreCall,
): Promise<Authenticated> {
  const texts = readCookies(header, cookieName, MAX_CANDIDATES)
  if (texts.length === 0) return { arrival: { kind: 'nobody' }, cookieCame: false }

  const reject = (reason: RejectionReason, id: string | undefined) =>
    emit?.({ type: 'rejected', at: new Date(now), reason, id })
  const tokens: Token[] = []
  for (const text of texts) {
    const decoded = codec.decode(text, now)
    if (decoded.ok) tokens.push(decoded.token)
    else reject(decoded.reason, decoded.id)
  }
  const [token] = tokens
  if (token !== undefined && tokens.length === 1)
    return { arrival: judgeOne(token, await read(token, now, call), now, reject), cookieCame: true }
  const records = await Promise.all(tokens.map((each) => read(each, now, call)))
  return { arrival: judge(tokens, records, now, reject), cookieCame: true }
}

function read({ id }: Token, now: EpochMs, call: StoreCall): Promise<SessionRecord | undefined> {
  return call('get', id, (store) => store.get(id, now))
}

type Reject = (reason: RejectionReason, id: string) => void

// RFC 6265bis 4.2.2: a server cannot rely on the order of cookies of one name, so exactly one has to be live.
function judge(
  tokens: readonly Token[],
  records: readonly (SessionRecord | undefined)[],
  now: EpochMs,
  reject: Reject,
): Arrival {
  const live = new Map<string, SessionRecord>()
  let superseded: Arrival = { kind: 'nobody' }
  for (const [index, token] of tokens.entries()) {
    const arrival = judgeOne(token, records[index], now, reject)
    if (arrival.kind === 'record') live.set(arrival.record.id, arrival.record)
    else if (arrival.kind === 'superseded') superseded = arrival
  }
  const [record] = live.values()
  if (record === undefined) return superseded
  if (live.size === 1) return { kind: 'record', record }
  for (const id of live.keys()) reject('ambiguous', id)
  return { kind: 'ambiguous' }
}

function judgeOne(
  { id, secret }: Token,
  record: SessionRecord | undefined,
  now: EpochMs,
  reject: Reject,
): Arrival {
  if (record === undefined) {
    reject('unknown', id)
    return { kind: 'nobody' }
  }
  if (isSameHash(sha256Hex(secret), record.secretHash)) return { kind: 'record', record }
  reject('superseded', id)
  const isRecent = record.renewedAt >= now - SUPERSEDED_GRACE_MS
  return isRecent ? { kind: 'superseded', id } : { kind: 'nobody' }
}

const HASH_CHARACTERS = 64
// For one comparison at a time.
const ofRequest = Buffer.alloc(HASH_CHARACTERS)
const ofRecord = Buffer.alloc(HASH_CHARACTERS)

function isSameHash(hash: string, stored: string): boolean {
  if (stored.length !== HASH_CHARACTERS) return false
  ofRequest.write(hash, 'latin1')
  ofRecord.write(stored, 'latin1')
  return timingSafeEqual(ofRequest, ofRecord)
}
