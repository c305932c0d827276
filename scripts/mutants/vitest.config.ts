import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** One project of named files: PostgreSQL is started for those alone that ask it. */
const configuration = defineConfig({
  root: new URL('../../', import.meta.url).pathname,
  resolve: base.resolve ?? {},
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: process.env.MUTANTS_WITH_POSTGRES === '1' ? ['./test/servers/global-setup.ts'] : [],
  },
})

export { configuration as default } // vitest reads its configuration from the default export
