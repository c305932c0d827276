import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { expect, inject, it } from 'vitest'

const { tarball, project } = inject('installed')
const installed = path.join(project, 'node_modules/coatcheck')

const listFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()

it('ships what each source file compiles to, the README, the licence, and nothing else', () => {
  const compiled = listFiles('src').flatMap((file) =>
    ['js', 'd.ts'].map((extension) => `dist/${file.replace(/ts$/, extension)}`),
  )
  expect(listFiles(installed)).toEqual(['LICENSE', 'README.md', ...compiled, 'package.json'].sort())
})

it('depends on nothing (R-057)', () => {
  const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'))
  expect(manifest.dependencies).toBeUndefined()
  expect(manifest.optionalDependencies).toBeUndefined()
  expect(Object.keys(manifest.peerDependencies).sort()).toEqual(
    Object.entries<{ optional: boolean }>(manifest.peerDependenciesMeta)
      .filter(([, { optional }]) => optional)
      .map(([name]) => name)
      .sort(),
  )
  expect(readdirSync(path.join(project, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    'coatcheck',
  ])
})

it('holds to what publint says of packages', async () => {
  const { messages, pkg } = await publint({ pkgDir: installed, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
})

it('has types that every ESM way of importing finds', () => {
  const { status, stdout, stderr } = spawnSync('node_modules/.bin/attw', ['--profile', 'esm-only', tarball], {
    encoding: 'utf8',
  })
  expect(status, stdout + stderr).toBe(0)
})
