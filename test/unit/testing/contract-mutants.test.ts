import { MemoryStore } from 'coatcheck/stores/memory'
import { storeContract } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'
import { mutantsOfCreatingAndReading } from './mutants/creating-and-reading.ts'
import { mutantsOfEnding } from './mutants/ending.ts'
import { mutantsOfRefusing } from './mutants/refusing.ts'
import { mutantsOfRenewingAndTouching } from './mutants/renewing-and-touching.ts'
import { mutantsOfSaving } from './mutants/saving.ts'

const mutants = {
  ...mutantsOfCreatingAndReading,
  ...mutantsOfSaving,
  ...mutantsOfRefusing,
  ...mutantsOfRenewingAndTouching,
  ...mutantsOfEnding,
}

/** The first case of the contract that a store fails. */
async function firstFailedCase(Mutant: new () => MemoryStore): Promise<string | undefined> {
  for (const { name, run } of storeContract) {
    const passes = await run(new Mutant()).then(
      () => true,
      () => false,
    )
    if (!passes) return name
  }
  return undefined
}

describe('storeContract', () => {
  it('is met by the store that the mutants are made of', async () => {
    expect(await firstFailedCase(MemoryStore)).toBeUndefined()
  })

  it.each(Object.entries(mutants))('turns a store down where %s', async (_fault, Mutant) => {
    expect(await firstFailedCase(Mutant)).toBeDefined()
  })
})
