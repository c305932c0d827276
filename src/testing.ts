export {
  aChange,
  aRecord,
  aSecretHash,
  type ChangeOverrides,
  NOW,
} from './testing/fixtures.ts'
export type { StoreCase, StoreRace } from './testing/store-case.ts'
export { storeContract, storeRaces } from './testing/store-contract.ts'
