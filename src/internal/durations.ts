import type { EpochMs } from '../store.ts'

// A hundred years: every instant that can follow is a valid Date, a timestamptz and 48 bits of milliseconds.
const LONGEST = 3_155_760_000

/** A longer timer of Node fires at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1

/** What is wrong with a duration that a developer gave, in seconds. */
export function durationProblem(name: string, value: unknown): string | undefined {
  if (typeof value !== 'number') return `${name} must be a number of seconds, not a ${typeof value}`
  if (!(value >= 0.001 && value <= LONGEST)) {
    return `${name} must be a number of seconds from 0.001 to ${LONGEST}, not ${value}`
  }
  return undefined
}

/** Seconds in whole milliseconds. */
export function toMs(seconds: number): number {
  return Math.round(seconds * 1000)
}

/** When a session ends that is used at `now`: the earlier of its idle and its absolute end. */
export function endAfterUse(
  { idleTimeout, absoluteEnd }: { readonly idleTimeout: number; readonly absoluteEnd: EpochMs },
  now: EpochMs,
): EpochMs {
  return Math.min(now + toMs(idleTimeout), absoluteEnd)
}
