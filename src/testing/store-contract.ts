import { cleanup } from './cleanup.ts'
import { crowds } from './crowds.ts'
import { lifecycle } from './lifecycle.ts'
import { merges } from './merges.ts'
import { pages } from './pages.ts'
import { races } from './races.ts'
import { renewal } from './renewal.ts'
import type { StoreCase, StoreRace } from './store-case.ts'
import { touches } from './touches.ts'
import { users } from './users.ts'
import { values } from './values.ts'

/**
 * The races of the store contract, each between two stores over the same data: two connections, two
 * processes. {@link storeContract} holds them too, with one store on both sides.
 */
export const storeRaces: readonly StoreRace[] = Object.entries({ ...races, ...crowds }).map(
  ([name, run]) => ({ name, run }),
)

/**
 * The contract of {@link Store} as data, for any test runner. Open an empty store for every case: none depends
 * on another, and the longest takes about two seconds on a server.
 *
 * @example
 * for (const { name, run } of storeContract) {
 *   test(name, async () => run(await openEmptyStore()))
 * }
 */
export const storeContract: readonly StoreCase[] = [
  ...[lifecycle, touches, merges, values, renewal, users, pages, cleanup]
    .flatMap((cases) => Object.entries(cases))
    .map(([name, run]) => ({ name, run })),
  ...storeRaces.map(({ name, run }): StoreCase => ({ name, run: (store) => run(store, store) })),
]
