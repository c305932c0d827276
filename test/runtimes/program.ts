import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { bundleProgram } from './bundle.ts'
import type { Report } from './inside/suite.ts'
import { SUITES } from './inside/suites.ts'

/** The suites of `inside/program.ts`. */
export const PROGRAM_SUITES: readonly string[] = [
  SUITES.node,
  SUITES.fetch,
  SUITES.hono,
  SUITES.memory,
  SUITES.postgres,
  SUITES.signIn,
  SUITES.ioredisAlone,
  SUITES.nodeRedisAlone,
]

/** How a runtime runs a file: its program, and what comes before the file's name. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
}

/** Runs a program to its end, in the user's project. @returns the last line that it printed, parsed. */
async function run({ program, args }: Command, file: string, ...more: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(program, [...args, file, ...more], {
    cwd: path.dirname(file),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' },
    timeout: 240_000,
    killSignal: 'SIGKILL',
    maxBuffer: 1e8,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

// As in test/package/surface.test.ts, for a runtime that has no flag to run a text.
const LOADING = `
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
const require = createRequire(import.meta.url)
const { exports } = JSON.parse(readFileSync('node_modules/coatcheck/package.json', 'utf8'))
const names = {}
const namesOf = (module) => Object.keys(module).filter((name) => !/^(default|module.exports|__esModule)$/.test(name)).sort()
for (const subpath of Object.keys(exports).filter((name) => name !== './package.json')) {
  const specifier = 'coatcheck' + subpath.slice(1)
  names[subpath] = namesOf(await import(specifier))
  assert.deepEqual(namesOf(require(specifier)), names[subpath])
}
console.log(JSON.stringify(names))
`

/** The names that every subpath exports, as the Node at hand finds them. */
export async function loadedNames(
  command: Command = { program: process.execPath, args: [] },
): Promise<unknown> {
  const file = path.join(inject('installed').project, `loading-${process.pid}.mjs`)
  writeFileSync(file, LOADING)
  return run(command, file)
}

/** What is expected of a runtime that runs programs as Node does. */
export function describeRuntime(
  name: string,
  install: () => Promise<Command>,
  suites: readonly string[] = PROGRAM_SUITES,
): void {
  const { project } = inject('installed')

  describe(name, () => {
    let redis: RedisServer

    beforeAll(async () => {
      redis = await startRedis()
    })

    afterAll(() => redis?.stop())

    it('loads every subpath, by import and by require(), and finds the names that Node finds', async () => {
      const names = await loadedNames(await install())
      expect(names).toEqual(await loadedNames())
      expect(names).toMatchObject({ '.': expect.arrayContaining(['SessionManager', 'getSession']) })
    })

    it.each(suites)('passes %s', async (suite) => {
      const database = await createDatabase(inject('postgres')[18])
      const args = [suite, database, String(redis.node.port)]
      const report = (await run(await install(), await bundleProgram(project), ...args)) as Report // by program.ts
      expect(report.failed).toEqual([])
      expect(report.passed).toBeGreaterThan(0)
      expect(report.suite).toBe(suite)
    })
  })
}
