import { SAVE_UPSERTS_POSTGRES } from './changes.ts'
import type { Mutant } from './mutant.ts'

const OWN_CLOCK = ['test/races/own-clock.test.ts']
const ROTATION = ['test/races/rotation.test.ts']

/** What races between two processes are there to notice, beside the contract. */
export const mutantsOfRaces: readonly Mutant[] = [
  {
    name: 'race-own-clock-upsert',
    ...SAVE_UPSERTS_POSTGRES,
    tests: OWN_CLOCK,
    needsPostgres: true,
    why: 'a slow request that finishes after the sign-out brings the session back',
  },
  {
    name: 'race-own-clock-cleanup-of-all',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `and t.cleanup_hour <= \${at('$1')} at time zone 'UTC' and t.expires_at <= \${at('$1')}`,
        replace: `and \${at('$1')} is not null`,
      },
    ],
    tests: OWN_CLOCK,
    needsPostgres: true,
    why: 'a cleanup signs everybody out',
  },
  {
    name: 'race-own-clock-not-asked',
    file: 'src/internal/postgres-reads.ts',
    edits: [{ find: 'request.now < record.expiresAt', replace: 'request.now > 0' }],
    tests: OWN_CLOCK,
    needsPostgres: true,
    why: 'a session lives until it is cleaned up',
  },
  {
    name: 'race-rotation-one-encryption-key',
    file: 'src/cookies/native.ts',
    edits: [{ find: 'new Map(encryption.map((', replace: 'new Map(encryption.slice(0, 1).map((' }],
    tests: ROTATION,
    needsPostgres: true,
    why: 'a new encryption key signs everybody out',
  },
  {
    name: 'race-rotation-signed-refused',
    file: 'src/cookies/native.ts',
    edits: [
      {
        find: "if (key === undefined) return 'unknown-key'\n    this.#writeMac",
        replace:
          "if (key === undefined || this.#encryptsWith !== undefined) return 'unknown-key'\n    this.#writeMac",
      },
    ],
    tests: ROTATION,
    needsPostgres: true,
    why: 'turning encryption on signs everybody out',
  },
]
