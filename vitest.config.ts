import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

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

export default defineConfig({
  resolve: { alias },
  test: {
    projects: [
      project('unit'),
      project('property'),
      project('contract', { testTimeout: 60_000, hookTimeout: 120_000 }),
      project('integration', { testTimeout: 60_000, hookTimeout: 120_000 }),
      project('e2e', { testTimeout: 120_000, hookTimeout: 120_000 }),
    ],
  },
})
