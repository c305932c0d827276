import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, inject, it } from 'vitest'

const { project } = inject('installed')
const manifest = JSON.parse(readFileSync(path.join(project, 'node_modules/coatcheck/package.json'), 'utf8'))
const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json')

/** Loads every subpath in one Node process of the user's project. @returns the names that each exports. */
function load(how: 'import' | 'require'): Record<string, string[]> {
  const program = `
    const { createRequire } = await import('node:module')
    const require = createRequire(process.cwd() + '/main.js')
    const names = {}
    for (const subpath of ${JSON.stringify(subpaths)}) {
      const module = ${how === 'import' ? 'await import' : 'require'}('coatcheck' + subpath.slice(1))
      names[subpath] = Object.keys(module).filter((name) => name !== 'module.exports').sort()
    }
    console.log(JSON.stringify(names))`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: project,
    encoding: 'utf8',
  })
  return JSON.parse(out)
}

describe('exports', () => {
  it('maps each subpath to the file of the same name', () => {
    for (const subpath of subpaths) {
      const file = subpath === '.' ? './dist/index' : subpath.replace('./', './dist/')
      expect(manifest.exports[subpath]).toEqual({ types: `${file}.d.ts`, default: `${file}.js` })
    }
    expect(subpaths).toMatchInlineSnapshot(`
      [
        ".",
        "./testing",
        "./stores/memory",
        "./stores/postgres",
        "./stores/embedded",
        "./stores/redis",
        "./adapters/node",
        "./adapters/express",
        "./adapters/express/global",
        "./adapters/fastify",
        "./adapters/fastify/global",
        "./adapters/hono",
        "./adapters/koa",
        "./adapters/fetch",
      ]
    `)
  })

  it('are these names, and load with import() and no driver or framework installed', () => {
    expect(load('import')).toMatchInlineSnapshot(`
      {
        ".": [
          "ConfigError",
          "ConflictError",
          "SessionError",
          "SessionManager",
          "StateError",
          "StoreError",
          "ValueError",
          "generateKey",
          "getSession",
          "withSession",
        ],
        "./adapters/express": [
          "sessions",
        ],
        "./adapters/express/global": [],
        "./adapters/fastify": [
          "sessions",
        ],
        "./adapters/fastify/global": [],
        "./adapters/fetch": [
          "sessions",
        ],
        "./adapters/hono": [
          "sessions",
        ],
        "./adapters/koa": [
          "sessions",
        ],
        "./adapters/node": [
          "sessions",
          "toExchange",
        ],
        "./stores/embedded": [
          "EmbeddedStore",
        ],
        "./stores/memory": [
          "MemoryStore",
        ],
        "./stores/postgres": [
          "PostgresStore",
        ],
        "./stores/redis": [
          "RedisStore",
        ],
        "./testing": [
          "NOW",
          "aChange",
          "aRecord",
          "aSecretHash",
          "fakeBrowser",
          "fakeClock",
          "fakeExchange",
          "fakeSession",
          "storeContract",
          "storeRaces",
        ],
      }
    `)
  })

  it('load with require() as well', () => {
    expect(load('require')).toEqual(load('import'))
  })
})
