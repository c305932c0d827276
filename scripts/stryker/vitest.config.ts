import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** The tests of the mutated files themselves, as one project that starts no server. */
const configuration = defineConfig({
  root: new URL('../../', import.meta.url).pathname,
  resolve: base.resolve ?? {},
  test: {
    include: [
      'test/unit/cookies/**/*.test.ts',
      'test/unit/options/**/*.test.ts',
      'test/unit/manager/c{onstant-time,ookies,redentials}.test.ts',
      'test/property/cookies-*.test.ts',
    ],
    // Counting which mutant is reached makes loops slow, and this one is timed.
    testNamePattern: /^(?!.*takes time in proportion)/,
    testTimeout: 60_000,
  },
})

export { configuration as default } // vitest reads its configuration from the default export
