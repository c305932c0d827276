import { mutantsOfCreatingAndReading } from './creating-and-reading.ts'
import { mutantsOfEnding } from './ending.ts'
import { mutantsOfListingPages } from './listing-pages.ts'
import type { Mutants } from './mutant.ts'
import { mutantsOfRefusing } from './refusing.ts'
import { mutantsOfRenewingAndTouching } from './renewing-and-touching.ts'
import { mutantsOfSaving } from './saving.ts'

/** Every broken store that the contract has to turn down. */
export const mutants: Mutants = {
  ...mutantsOfCreatingAndReading,
  ...mutantsOfSaving,
  ...mutantsOfRefusing,
  ...mutantsOfRenewingAndTouching,
  ...mutantsOfEnding,
  ...mutantsOfListingPages,
}
