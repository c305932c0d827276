import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, inject, it } from 'vitest'

/** Bytes that a subpath may have, bundled, minified and compressed, with all that it imports of ours. */
const BUDGETS: Readonly<Record<string, number>> = {
  coatcheck: 20_000,
  'coatcheck/testing': 20_000,
  'coatcheck/stores/memory': 5_000,
  'coatcheck/stores/postgres': 15_000,
  'coatcheck/stores/embedded': 20_000,
  'coatcheck/adapters/node': 10_000,
  'coatcheck/adapters/express': 10_000,
  'coatcheck/adapters/express/global': 200,
}

const { project } = inject('installed')

async function measure(subpath: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${subpath}'`, resolveDir: path.resolve(project) },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    external: ['@electric-sql/pglite', 'pg', 'express'],
  })
  return gzipSync(outputFiles[0]?.contents ?? '').length
}

describe('size', () => {
  for (const [subpath, budget] of Object.entries(BUDGETS)) {
    it(`${subpath} stays under ${budget} bytes`, async () => {
      const size = await measure(subpath)
      expect(size).toBeLessThanOrEqual(budget)
      // a budget that is far above the truth lets growth pass unseen
      expect(size).toBeGreaterThan(budget * 0.7)
    })
  }

  it('has a budget for every subpath', async () => {
    const { exports } = (
      await import(path.join(project, 'node_modules/coatcheck/package.json'), { with: { type: 'json' } })
    ).default
    const subpaths = Object.keys(exports).filter((subpath) => subpath !== './package.json')
    expect(Object.keys(BUDGETS)).toEqual(subpaths.map((subpath) => `coatcheck${subpath.slice(1)}`))
  })
})
