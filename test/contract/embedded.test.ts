import { EmbeddedStore } from 'coatcheck/stores/embedded'
import { storeContract } from 'coatcheck/testing'
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest'

const THE_END = Date.UTC(9999, 0, 1)

describe('EmbeddedStore', () => {
  let store: EmbeddedStore

  beforeAll(async () => {
    store = await EmbeddedStore.open()
  })

  afterAll(async () => {
    await store.close()
  })

  beforeEach(async () => {
    await store.cleanup(THE_END, 1_000_000)
  })

  it.each(storeContract)('$name', async ({ run }) => {
    await run(store)
  })
})
