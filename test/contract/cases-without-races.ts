import { type StoreCase, storeContract, storeRaces } from 'coatcheck/testing'

/**
 * The contract without its races of one store against itself. They meet in one batch, which is made in our process
 * whatever the server; between two connections each server has them all.
 */
export const casesWithoutRaces: readonly StoreCase[] = storeContract.filter(
  ({ name }) => !storeRaces.some((race) => race.name === name),
)
