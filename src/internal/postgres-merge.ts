import type { EpochMs, JsonText, SessionChange } from '../store.ts'
import { isStorableText, toObjectText } from './json.ts'
import { toArrayText } from './postgres-record.ts'

/** A change that needs nothing but its record: it neither renews nor expects anything. */
export interface Merge {
  readonly id: string
  readonly change: SessionChange
  readonly now: EpochMs
  readonly deadline: number
  /** Saves that this one makes; more than one when others were folded into it. */
  readonly saves: number
}

/** Whether a change may travel with others. */
export function isPlain(change: SessionChange): boolean {
  return change.expect === undefined && change.renewal === undefined
}

/**
 * Makes one change of two of the same record, or answers `undefined`.
 *
 * Only where the order of the two does not matter: neither clears, and neither touches a key that the other
 * touches. Then, if the record with both is not too large, there is an order in which neither alone was too
 * large, so that both callers may be told that they saved. In every other outcome each is asked again alone.
 */
export function foldMerges(waiting: Merge, next: Merge): Merge | undefined {
  const [a, b] = [waiting.change, next.change]
  if (a.secretHash !== b.secretHash || a.clear === true || b.clear === true || haveCommonKey(a, b))
    return undefined
  return {
    id: waiting.id,
    now: Math.max(waiting.now, next.now),
    deadline: next.deadline,
    saves: waiting.saves + next.saves,
    change: {
      secretHash: a.secretHash,
      maxValuesBytes: Math.min(a.maxValuesBytes, b.maxValuesBytes),
      delete: new Set([...(a.delete ?? []), ...(b.delete ?? [])]),
      set: new Map([...(a.set ?? []), ...(b.set ?? [])]),
      lastSeenAt: Math.max(a.lastSeenAt, b.lastSeenAt),
      expiresAt: Math.max(a.expiresAt, b.expiresAt),
    },
  }
}

function haveCommonKey(a: SessionChange, b: SessionChange): boolean {
  const keys = new Set([...(a.delete ?? []), ...(a.set?.keys() ?? [])])
  if (keys.size === 0) return false
  return [...(b.delete ?? []), ...(b.set?.keys() ?? [])].some((key) => keys.has(key))
}

/** The keys that a change deletes, as an array in one text; without those that no record can have. */
export function toRemovedText(change: SessionChange): string {
  return change.delete === undefined ? '{}' : toArrayText([...change.delete].filter(isStorableText))
}

/** What a change sets, as one JSON object. */
export function toSetText(change: SessionChange): JsonText {
  return toObjectText(change.set ?? new Map())
}
