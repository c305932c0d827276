import type { EpochMs } from '../store.ts'
import { NOW } from './fixtures.ts'

/** A clock that stands still until it is moved; takes the place of `Date.now`, as the manager's `clock`. */
export interface FakeClock {
  /** What time it is. */
  (): EpochMs
  /** Moves it forward, or back where negative: clocks get corrected. @param seconds A finite number. */
  advance(seconds: number): void
  /** Sets it to an instant. */
  set(to: Date | EpochMs): void
}

/** Makes a clock for tests. @param start (default: 2026-01-01T00:00:00Z) */
export function fakeClock(start: Date | EpochMs = NOW): FakeClock {
  let now = Number(start)
  return Object.assign(() => now, {
    advance(seconds: number) {
      now += seconds * 1000
    },
    set(to: Date | EpochMs) {
      now = Number(to)
    },
  })
}
