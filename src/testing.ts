export { type FakeClock, fakeClock } from './testing/fake-clock.ts'
export {
  type FakeBrowser,
  type FakeExchange,
  type FakeRequest,
  fakeBrowser,
  fakeExchange,
} from './testing/fake-exchange.ts'
export { type FakeSessionOptions, fakeSession } from './testing/fake-session.ts'
export {
  aChange,
  aRecord,
  aSecretHash,
  type ChangeOverrides,
  NOW,
} from './testing/fixtures.ts'
export type { StoreCase, StoreRace } from './testing/store-case.ts'
export { storeContract, storeRaces } from './testing/store-contract.ts'
