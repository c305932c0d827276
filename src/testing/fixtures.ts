import { randomUUID } from 'node:crypto'
import type { EpochMs, JsonText, SessionChange, SessionRecord } from '../store.ts'

/** The instant at which fixtures begin and {@link fakeClock} starts: 2026-01-01T00:00:00Z. */
export const NOW: EpochMs = Date.UTC(2026, 0, 1)

const SECOND = 1000
const HOUR = 3600 * SECOND

/** A secret hash, 64 hex digits; another number gives another hash. @param number A whole number from 0. */
export function aSecretHash(number: number): string {
  return number.toString(16).padStart(64, '0')
}

/**
 * A record that is live at {@link NOW} for an hour: of nobody, without values, under `aSecretHash(1)` and an
 * id of its own. With a user id it was signed in at `NOW`.
 *
 * @param overrides Fields that replace these.
 */
export function aRecord(overrides: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: overrides.id ?? randomUUID(), // a record of a module is given one: Workers have no random bytes at load
    secretHash: aSecretHash(1),
    userId: '',
    values: '{}',
    version: 1,
    createdAt: NOW,
    signedInAt: (overrides.userId ?? '') === '' ? undefined : NOW,
    renewedAt: NOW,
    lastSeenAt: NOW,
    idleTimeout: HOUR / SECOND,
    absoluteEnd: NOW + 24 * HOUR,
    expiresAt: NOW + HOUR,
    persistent: false,
    address: undefined,
    userAgent: undefined,
    ...overrides,
  }
}

/** What {@link aChange} takes: the fields of a change, with `set` and `delete` also in the spelling of a literal. */
export interface ChangeOverrides extends Partial<Omit<SessionChange, 'set' | 'delete'>> {
  /** JSON texts by key. */
  readonly set?: ReadonlyMap<string, JsonText> | Readonly<Record<string, JsonText>> | undefined
  /** Keys to delete. */
  readonly delete?: Iterable<string> | undefined
}

/**
 * A change that comes with the secret of {@link aRecord} at {@link NOW} and changes nothing: values of up to
 * 65,536 bytes, and an end as in `aRecord()`.
 *
 * @param overrides Fields that replace these.
 */
export function aChange({ set, delete: deleted, ...overrides }: ChangeOverrides = {}): SessionChange {
  return {
    secretHash: aSecretHash(1),
    maxValuesBytes: 65_536,
    lastSeenAt: NOW,
    expiresAt: NOW + HOUR,
    ...overrides,
    set: set === undefined || set instanceof Map ? set : new Map(Object.entries(set)),
    delete: deleted === undefined ? undefined : new Set(deleted),
  }
}
