import { setTimeout as sleep } from 'node:timers/promises'
import { ConflictError } from '../errors.ts'
import type { EpochMs, JsonText, SaveResult, SessionChange, SessionRecord } from '../store.ts'
import type { Draft } from './draft.ts'
import { endAfterUse } from './durations.ts'
import { toJsonText } from './json.ts'
import { readJson } from './read-json.ts'
import { boundFor, type LostReason, lost, tooLarge } from './refusals.ts'
import { type StagedValues, valueTextIn } from './staged-values.ts'
import { type StoreCall, save } from './store-guard.ts'

const MAX_TRIES = 64
const LONGEST_PAUSE_MS = 50

/** What an atomic update takes beside the draft. */
export interface AtomicUpdate {
  readonly key: string
  /** The values that the key belongs to: those of the user who was signed in when the update was asked for. */
  readonly values: StagedValues
  /** Takes the old value to the new one; may be called more than once. */
  readonly change: (old: unknown) => unknown
  readonly maxValuesBytes: number
  readonly clock: () => EpochMs
  readonly call: StoreCall
  /** Told when the value was written. */
  readonly onSaved: () => void
  /** Told when the session turns out to be gone or superseded. */
  readonly onLost: (reason: LostReason) => void
}

/**
 * Changes one value of a stored session by compare-and-set, at once.
 *
 * @throws {@link ConflictError} it lost too often, or the session ended or was renewed.
 */
export async function updateAtomically(
  draft: Draft,
  record: SessionRecord,
  update: AtomicUpdate,
): Promise<unknown> {
  const { key, values, change, clock, call, onLost } = update
  let before = values.textOf(key)
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const value = change(before === undefined ? undefined : readJson(before))
    const after = value === undefined ? undefined : toJsonText(value, key)
    const result: SaveResult | undefined =
      after === before
        ? undefined
        : await save(call, record.id, toChange(draft, record, update, before, after), clock())
    switch (result?.outcome) {
      case 'saved':
        draft.noteUse(result.record)
        update.onSaved()
        return adopt(update, after)
      case undefined:
        return adopt(update, after)
      case 'gone':
      case 'superseded':
        throw lost(result.outcome, onLost)
      case 'too-large':
        throw tooLarge(update.maxValuesBytes)
      case 'unexpected':
        await sleep(Math.random() * Math.min(2 ** tries, LONGEST_PAUSE_MS))
        before = await readAgain(record, key, update)
    }
  }
  throw new ConflictError(`session.update() of "${key}" lost against other updates ${MAX_TRIES} times`)
}

function adopt({ key, values }: AtomicUpdate, after: JsonText | undefined): unknown {
  values.adopt(key, after)
  return after === undefined ? undefined : readJson(after)
}

function toChange(
  { now }: Draft,
  record: SessionRecord,
  { key, maxValuesBytes }: AtomicUpdate,
  before: JsonText | undefined,
  after: JsonText | undefined,
): SessionChange {
  const keys = after === undefined ? { delete: new Set([key]) } : { set: new Map([[key, after]]) }
  return {
    secretHash: record.secretHash,
    maxValuesBytes: boundFor(keys, maxValuesBytes),
    ...keys,
    expect: { key, value: before },
    lastSeenAt: now,
    expiresAt: endAfterUse(record, now),
  }
}

async function readAgain(
  { id, secretHash }: SessionRecord,
  key: string,
  { call, clock, onLost }: AtomicUpdate,
) {
  const record = await call('get', id, (store) => store.get(id, clock()))
  if (record === undefined) throw lost('gone', onLost)
  if (record.secretHash !== secretHash) throw lost('superseded', onLost)
  return valueTextIn(record.values, key)
}
