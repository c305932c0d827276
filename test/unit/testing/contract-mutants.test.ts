import { MemoryStore } from 'coatcheck/stores/memory'
import { storeContract } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'
import { mutants } from './mutants/all.ts'
import { isFailedBy, type Mutant } from './mutants/mutant.ts'

async function firstFailedCase(Store: Mutant): Promise<string | undefined> {
  for (const each of storeContract) {
    if (await isFailedBy(Store, each)) return each.name
  }
  return undefined
}

describe('storeContract', () => {
  it('is met by the store that the mutants are made of', async () => {
    expect(await firstFailedCase(MemoryStore)).toBeUndefined()
  })

  for (const [fault, Store] of Object.entries(mutants)) {
    it(`turns a store down where ${fault}`, async () => {
      expect(await firstFailedCase(Store)).toBeDefined()
    })
  }
})
