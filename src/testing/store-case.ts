import type { Store } from '../store.ts'

/** One sentence of the store contract, as a test for any runner. */
export interface StoreCase {
  /** What holds, as a sentence. Unique in its list. */
  readonly name: string
  /**
   * Rejects if it does not hold.
   *
   * @param store An empty store, opened for this case alone.
   */
  readonly run: (store: Store) => Promise<void>
}

/** One race of the store contract, between two stores over the same data: two connections, or two processes. */
export interface StoreRace {
  /** What holds whoever wins, as a sentence. Unique in its list. */
  readonly name: string
  /**
   * Rejects if it does not hold.
   *
   * @param a An empty store, opened for this race alone.
   * @param b Another store over the same data, or `a` itself.
   */
  readonly run: (a: Store, b: Store) => Promise<void>
}

/** Cases by name: how the files of the contract write them down. */
export type CasesByName = Readonly<Record<string, StoreCase['run']>>

/** Races by name: how the files of the contract write them down. */
export type RacesByName = Readonly<Record<string, StoreRace['run']>>
