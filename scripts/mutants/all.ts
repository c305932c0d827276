import { mutantsOfAnswers } from './answers.ts'
import { mutantsOfChanges } from './changes.ts'
import { mutantsOfFaults } from './faults.ts'
import type { Mutant } from './mutant.ts'
import { mutantsOfRaces } from './races.ts'
import { mutantsOfRedis } from './redis.ts'
import { mutantsOfSecrets } from './secrets.ts'
import { mutantsOfTime } from './time.ts'

/** Every mutant that `npm run mutants` tries. */
export const mutants: readonly Mutant[] = [
  ...mutantsOfSecrets,
  ...mutantsOfChanges,
  ...mutantsOfTime,
  ...mutantsOfAnswers,
  ...mutantsOfRedis,
  ...mutantsOfFaults,
  ...mutantsOfRaces,
]
