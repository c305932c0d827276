import { randomUUID } from 'node:crypto'
import { type AtomicUpdate, updateAtomically } from '../internal/atomic-update.ts'
import { Draft } from '../internal/draft.ts'
import { endAfterUse } from '../internal/durations.ts'
import { toJsonText } from '../internal/json.ts'
import { KeyedQueue } from '../internal/keyed-queue.ts'
import { StagedSession } from '../internal/staged-session.ts'
import type { Session } from '../session.ts'
import type { SessionRecord } from '../store.ts'
import { MemoryStore } from '../stores/memory.ts'
import type { RegisteredValues } from '../values.ts'
import { aRecord, NOW } from './fixtures.ts'

/** What a {@link fakeSession} begins with. */
export interface FakeSessionOptions<V extends object> {
  /** Who is signed in. (default: nobody) */
  readonly userId?: string | undefined
  /** What is stored in it. (default: nothing) */
  readonly values?: Partial<V> | undefined
  /** UUID v4. (default: a random one) */
  readonly id?: string | undefined
  /** When the user signed in, for guards that ask for a recent sign-in. (default: the request's instant) */
  readonly signedInAt?: Date | undefined
  /** The instant of the request. (default: 2026-01-01T00:00:00Z) */
  readonly now?: Date | undefined
}

const LIFETIME = { idleTimeout: 86_400, absoluteTimeout: 2_592_000, persistent: false }
const MAX_VALUES_BYTES = 65_536

/**
 * Makes a session for testing a handler without a manager, a store or a request. It is the class that
 * applications get, so it stages, refuses and reads as in production; nothing is committed but `update()`,
 * which goes to a store of its own.
 *
 * With a user id, values or an id it is a session that was stored before, else a new one.
 *
 * @throws {@link ValueError} JSON cannot hold the values exactly.
 */
export function fakeSession<V extends object = RegisteredValues>(
  options: FakeSessionOptions<V> = {},
): Session<V> {
  const now = options.now?.getTime() ?? NOW
  const isStored = (options.userId ?? options.values ?? options.id) !== undefined
  const record = toRecord(options, now)
  const store = new MemoryStore()
  const draft = new Draft({
    owner: store,
    arrival: isStored ? { kind: 'record', record } : { kind: 'nobody' },
    cookieCame: isStored,
    now,
    lifetime: LIFETIME,
    newId: randomUUID,
    isHeadSent: () => false,
  })
  const update = (change: Pick<AtomicUpdate, 'key' | 'values' | 'change'>): AtomicUpdate => ({
    ...change,
    maxValuesBytes: MAX_VALUES_BYTES,
    clock: () => now,
    call: (_operation, _id, run) => run(store),
    onSaved: () => undefined,
    onLost: () => undefined,
  })
  const updates = new KeyedQueue()
  void updates.run(record.id, () => store.create(record, now)) // the queue goes on after it
  return new StagedSession<V>(draft, (key, change) => {
    const { values } = draft // as of now: a change of user that follows has values of its own
    return updates.run(record.id, () => updateAtomically(draft, record, update({ key, values, change })))
  })
}

function toRecord(options: FakeSessionOptions<object>, now: number): SessionRecord {
  const { userId = '', values = {}, id = randomUUID(), signedInAt } = options
  const signedIn = userId === '' ? undefined : (signedInAt?.getTime() ?? now)
  const beganAt = signedIn ?? now
  const ends = {
    idleTimeout: LIFETIME.idleTimeout,
    absoluteEnd: now + LIFETIME.absoluteTimeout * 1000,
  }
  return aRecord({
    ...{ id, userId, values: toJsonText(values, 'values'), ...ends },
    ...{ createdAt: beganAt, signedInAt: signedIn, renewedAt: beganAt, lastSeenAt: now },
    expiresAt: endAfterUse(ends, now),
  })
}
