import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** The tests that see what the manager and `src/internal/` decide, as one project that starts no server. */
const configuration = defineConfig({
  root: new URL('../../', import.meta.url).pathname,
  resolve: base.resolve ?? {},
  test: {
    include: [
      'test/unit/core/*.test.ts',
      'test/unit/manager/*.test.ts',
      'test/unit/options/*.test.ts',
      'test/unit/testing/fake-session.test.ts',
      'test/unit/context.test.ts',
      'test/property/{list-pages,session-model,values}.test.ts',
      'test/contract/memory.test.ts',
    ],
    testTimeout: 60_000,
  },
})

export { configuration as default } // vitest reads its configuration from the default export
