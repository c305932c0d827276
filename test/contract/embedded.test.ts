import { EmbeddedStore } from 'coatcheck/stores/embedded'
import { storeContract } from 'coatcheck/testing'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'

const THE_END = Date.UTC(9999, 0, 1)

describe('EmbeddedStore', () => {
  let store: EmbeddedStore | undefined

  afterAll(async () => {
    await store?.close()
  })

  // Opening takes seconds, so a case gets the store of the one before, emptied, unless that one closed it.
  beforeEach(async () => {
    await store?.cleanup(THE_END, 1_000_000).catch(() => {
      store = undefined
    })
    store ??= await EmbeddedStore.open()
  })

  it.each(storeContract)('$name', async ({ run }) => {
    if (store !== undefined) await run(store)
    else expect.unreachable('there is no store')
  })
})
