import { inspect } from 'node:util'
import { type EpochMs, generateKey, type SessionEvent, SessionManager, type SessionRecord } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { nativeCodec } from '../../src/cookies/native.ts'
import { FakeExchange } from '../unit/manager/fake-exchange.ts'
import { COOKIE, type Seeds } from './mutations.ts'

/** A store that says which ids were read, and what for. */
class ReadStore extends MemoryStore {
  readonly reads = new Map<string, number>()
  calls = 0

  override get(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    this.calls++
    this.reads.set(id, (this.reads.get(id) ?? 0) + 1)
    return super.get(id, now)
  }

  override create(record: SessionRecord, now: EpochMs): Promise<boolean> {
    this.calls++
    return super.create(record, now)
  }
}

/** Every text that an event may hold beside ids and user ids. */
const WORDS: ReadonlySet<string> = new Set([
  ...[
    'created',
    'loaded',
    'rejected',
    'renewed',
    'signed-in',
    'saved',
    'touched',
    'destroyed',
    'lost',
    'cleaned',
  ],
  ...[
    'malformed',
    'unknown-key',
    'bad-signature',
    'from-the-future',
    'expired',
    'unknown',
    'ambiguous',
    'gone',
  ],
  ...['superseded', 'signed-out', 'revoked'],
])

const LIVE_SESSIONS = 8

/** How a session's token is kept from being made by others. */
export type Protection = 'signed' | 'encrypted'

/** A manager with live sessions, whose store and events are watched for what hostile requests must not bring about. */
export class Target {
  readonly manager: SessionManager
  readonly store = new ReadStore({ maxRecords: 200_000 })
  /** What went wrong: at most a few, or a broken build would fill the memory. */
  readonly problems: string[] = []
  /** How many events were looked at. */
  events = 0
  readonly #keys: { readonly authKey: string; readonly encryptionKey?: string }
  readonly #ids = new Set<string>()
  readonly #live = new Map<string, string>()

  constructor(protection: Protection) {
    const authKey = generateKey()
    this.#keys = protection === 'signed' ? { authKey } : { authKey, encryptionKey: generateKey() }
    this.manager = new SessionManager({
      ...this.#keys,
      store: this.store,
      cleanupInterval: 0,
      onEvent: (event) => this.#judge(event),
    })
  }

  /** Signs somebody in, several times, and makes genuine tokens that must not be taken. */
  async seed(): Promise<Seeds> {
    for (let number = 0; number < LIVE_SESSIONS; number++) {
      const { id, token } = await this.signIn('ada')
      this.#live.set(token, id)
    }
    const [first = '', ...others] = this.#live.keys()
    this.store.calls = 0
    this.store.reads.clear()
    return { live: [first, ...others], foreign: this.#foreignTokens() }
  }

  async signIn(userId: string): Promise<{ readonly id: string; readonly token: string }> {
    const exchange = new FakeExchange()
    const session = await this.manager.start(exchange)
    session.setUserId(userId)
    await this.manager.refresh(exchange, session)
    return { id: session.id, token: exchange.cookie?.value ?? '' }
  }

  /** The ids whose genuine tokens stand somewhere in the header: nothing else may be read for it. */
  idsIn(header: string): string[] {
    return [...this.#live].filter(([token]) => header.includes(token)).map(([, id]) => id)
  }

  /** Notes something that must not happen. */
  blame(problem: string): void {
    if (this.problems.length < 20) this.problems.push(problem)
  }

  /** Every secret of this target, in every spelling that a log could show. */
  secrets(): string[] {
    const { authKey, encryptionKey = authKey } = this.#keys
    const tokens = [...this.#live.keys()].flatMap((token) => [
      ...spellings(Buffer.from(token, 'base64url')),
      ...spellings(Buffer.from(token, 'base64url').subarray(35, 67)),
      token,
    ])
    return [...tokens, ...spellings(Buffer.from(authKey)), ...spellings(Buffer.from(encryptionKey))]
  }

  /** Genuine by their spelling, but not to be taken: no key of ours, another cookie, another time. */
  #foreignTokens(): Seeds['foreign'] {
    const now = Date.now()
    const [id = ''] = this.#live.values()
    const token = { id, secret: new Uint8Array(32).fill(7), issuedAt: now, absoluteEnd: now + 3_600_000 }
    const keys = (...texts: string[]) => texts.map((text) => Buffer.from(text))
    const { authKey, encryptionKey } = this.#keys
    const codec = (cookieName: string, auth: string, encryption: string | undefined) =>
      nativeCodec({
        cookieName,
        authKeys: keys(auth),
        encryptionKeys: encryption === undefined ? [] : keys(encryption),
      })
    const ours = codec(COOKIE, authKey, encryptionKey)
    return [
      codec(COOKIE, generateKey(), encryptionKey && generateKey()).encode(token),
      codec('__Host-other', authKey, encryptionKey).encode(token),
      codec(COOKIE, generateKey(), generateKey()).encode(token),
      ours.encode({ ...token, absoluteEnd: now - 1 }),
      ours.encode({ ...token, issuedAt: now + 86_400_000 }),
    ]
  }

  /** An event holds words of ours, an id of ours, a user id of ours, a time; so it cannot hold a secret. */
  #judge(event: SessionEvent): void {
    this.events++
    if (event.type === 'created') this.#ids.add(event.id)
    for (const [name, value] of Object.entries(event)) {
      if (value === undefined || value instanceof Date || value === 'ada') continue
      if (typeof value === 'string' && (WORDS.has(value) || this.#ids.has(value))) continue
      this.blame(`an event of type ${event.type} tells in ${name}: ${inspect(value)}`)
    }
  }
}

/** How bytes could stand in a log. */
export function spellings(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes)
  const hex = buffer.toString('hex')
  return [
    hex,
    hex.toUpperCase(),
    hex.replaceAll(/..(?=.)/g, '$& '), // as `inspect` shows a Buffer
    [...buffer].join(', '), // and an array
    [...buffer].join(','),
    buffer.toString('base64'),
    buffer.toString('base64url'),
    buffer.toString('latin1'),
    buffer.toString('utf8'),
  ]
}
