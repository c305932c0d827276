import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { scale } from './test/servers/scale.ts'

const source = fileURLToPath(new URL('./src/', import.meta.url))

/** `coatcheck/…` in a test is the source, with no build between a change and its test. */
const alias = [
  { find: /^coatcheck$/, replacement: `${source}index.ts` },
  { find: /^coatcheck\/(.+)$/, replacement: `${source}$1.ts` },
]

const project = (name: string, options: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...options },
})

/** Starts the real servers that the tests of a project run against. */
const servers = './test/servers/global-setup.ts'

/** Builds, packs and installs the package, for the projects that test it as a user has it. */
const installed = './test/package/global-setup.ts'

export default defineConfig({
  resolve: { alias },
  test: {
    // Two at least: tests wait for servers about as long as they compute.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      project('unit', { testTimeout: 30_000 }),
      project('property', { testTimeout: 60_000 }),
      project('hostile', { testTimeout: 120_000 * scale }),
      project('contract', { testTimeout: 60_000, hookTimeout: 120_000, globalSetup: servers }),
      project('integration', { testTimeout: 60_000, hookTimeout: 120_000, globalSetup: servers }),
      project('fault', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('races', { testTimeout: 60_000, hookTimeout: 120_000, globalSetup: servers }),
      project('load', { testTimeout: 600_000 * scale, hookTimeout: 120_000 * scale, globalSetup: servers }),
      project('e2e', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('frameworks', {
        testTimeout: 120_000,
        hookTimeout: 600_000,
        globalSetup: [servers, installed],
        sequence: { groupOrder: 1 }, // alone: building an application takes all there is
      }),
      project('types', { testTimeout: 120_000, hookTimeout: 120_000, globalSetup: installed }),
      project('package', { testTimeout: 120_000, hookTimeout: 120_000, globalSetup: installed }),
      project('runtimes', {
        testTimeout: 600_000, // the first run installs the runtimes
        hookTimeout: 600_000,
        globalSetup: [servers, installed],
      }),
      project('docs', { testTimeout: 120_000, hookTimeout: 120_000, globalSetup: [servers, installed] }),
    ],
  },
})
