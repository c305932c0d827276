import { ValueError } from '../errors.ts'
import type { EpochMs, SaveResult, SessionChange } from '../store.ts'
import { toField, toFlag, toRecord, toSecret, toStoredValue } from './redis-record.ts'

const REFUSALS = ['gone', 'superseded', 'unexpected', 'too-large'] as const

/** What the script that saves takes. */
export function toSaveArguments(change: SessionChange, now: EpochMs): unknown[] {
  const deleted = [...(change.delete ?? [])]
  const set = [...(change.set ?? [])]
  return [
    now,
    toSecret(change.secretHash),
    change.maxValuesBytes,
    change.lastSeenAt,
    change.expiresAt,
    deleted.length,
    set.length,
    ...deleted.map(toField),
    ...set.flatMap(([key, text]) => [toField(key), toStoredValue(text)]),
    ...toOtherArguments(change),
  ]
}

/** What is beyond a merge. Most changes are one, and each argument costs the server and the client. */
function toOtherArguments({ clear, expect, renewal }: SessionChange): unknown[] {
  if (clear !== true && expect === undefined && renewal === undefined) return []
  const signIn = renewal?.signIn
  return [
    toFlag(clear === true),
    expect === undefined ? '' : toField(expect.key),
    expect?.value === undefined ? '' : toStoredValue(expect.value),
    renewal === undefined ? '' : toSecret(renewal.secretHash),
    renewal?.renewedAt ?? '',
    signIn?.userId ?? '',
    signIn?.signedInAt ?? '',
    signIn?.idleTimeout ?? '',
    signIn?.absoluteEnd ?? '',
    toFlag(signIn?.persistent === true),
    toMarked(signIn?.address),
    toMarked(signIn?.userAgent),
  ]
}

/** What became of a save. */
export interface Saved {
  readonly result: SaveResult
  readonly isFirstOfMinute: boolean
}

/** Reads what it answers. @throws {@link ValueError} it is no outcome. */
export function toSaved(id: string, reply: unknown): Saved {
  const [outcome, fields, first] = Array.isArray(reply) ? (reply as unknown[]) : [] // of what, the next lines find out
  const refusal = REFUSALS.find((it) => it === String(outcome))
  if (refusal !== undefined) return { result: { outcome: refusal }, isFirstOfMinute: false }
  const record = toRecord(id, fields)
  if (record === undefined) throw new ValueError('a save of a stored session has no readable outcome')
  return { result: { outcome: 'saved', record }, isFirstOfMinute: Number(first) === 1 }
}

/** Tells an empty text from none. */
function toMarked(text: string | undefined): string {
  return text === undefined ? '' : `=${text}`
}
