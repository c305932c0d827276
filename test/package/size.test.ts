import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, inject, it } from 'vitest'

/** Bytes that a subpath may have, bundled, minified and compressed, with all that it imports of ours. */
const BUDGETS: Readonly<Record<string, number>> = {
  coatcheck: 13_900,
  'coatcheck/testing': 18_000,
  'coatcheck/stores/memory': 1_600,
  'coatcheck/stores/postgres': 10_550,
  'coatcheck/stores/embedded': 12_350,
  'coatcheck/stores/redis': 8_450,
  'coatcheck/adapters/node': 4_500,
  'coatcheck/adapters/express': 4_400,
  'coatcheck/adapters/express/global': 30,
  'coatcheck/adapters/fastify': 4_500,
  'coatcheck/adapters/fastify/global': 30,
  'coatcheck/adapters/hono': 2_950,
  'coatcheck/adapters/koa': 4_500,
  'coatcheck/adapters/fetch': 2_750,
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
    external: ['@electric-sql/pglite', 'pg', 'express', 'fastify', 'hono', 'koa'],
  })
  return gzipSync(outputFiles[0]?.contents ?? '').length
}

describe('size', () => {
  for (const [subpath, budget] of Object.entries(BUDGETS)) {
    it(`${subpath} stays under ${budget} bytes`, async () => {
      expect(await measure(subpath)).toBeLessThanOrEqual(budget)
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
