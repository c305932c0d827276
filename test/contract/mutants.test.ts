import { storeContract } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'
import { mutants } from '../unit/testing/mutants/all.ts'
import { isFailedBy } from '../unit/testing/mutants/mutant.ts'

describe('storeContract', () => {
  for (const storeCase of storeContract) {
    it(`has a broken store that fails: ${storeCase.name}`, async () => {
      for (const Store of Object.values(mutants)) {
        if (await isFailedBy(Store, storeCase)) return
      }
      expect.fail('no store fails this case: it may be unable to fail')
    })
  }
})
