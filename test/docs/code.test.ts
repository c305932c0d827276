import { cpSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { linkPackages } from '../package/global-setup.ts'
import { createDatabase } from '../servers/postgres.ts'
import { listPages, readBlocks } from './blocks.ts'
import { compile } from './compile.ts'
import { toPrograms, writeProgram } from './programs.ts'
import { run } from './run.ts'

const { project } = inject('installed')
const server = inject('postgres')[18]
await linkPackages(project, [
  '@types',
  '@hono',
  '@electric-sql',
  'express',
  'fastify',
  'hono',
  'ioredis',
  'koa',
  'pg',
  'postgres',
  'redis',
])

for (const page of listPages()) {
  const programs = toPrograms(readBlocks(page))
  if (programs.length === 0) continue

  describe(page, () => {
    const folder = path.join(project, page.replace(/\.md$/, ''))
    mkdirSync(folder, { recursive: true })
    cpSync('test/docs/given.ts', path.join(folder, 'given.ts'))
    const files = new Map(programs.map((program) => [program, writeProgram(folder, program)]))

    it('has code that compiles', () => {
      expect(compile(folder, programs)).toEqual([])
    })

    for (const [program, file] of files) {
      if (!program.runs) continue
      it(`has a program that runs, at ${program.placeOf(2)}`, async () => {
        const running = await run(file, await createDatabase(server))
        try {
          if (running.origin === undefined) expect(running.exitCode, running.output()).toBe(0)
          else expect((await fetch(running.origin)).status, running.output()).toBeLessThan(500)
        } finally {
          await running.stop()
        }
      })
    }
  })
}
