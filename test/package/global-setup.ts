import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type {} from 'vitest' // so that its interface below is merged with ours, not declared anew
import type { TestProject } from 'vitest/node'

/** The package as a user has it. */
export interface Installed {
  /** What `npm pack` made. */
  readonly tarball: string
  /** A project that installed the tarball, and nothing else. */
  readonly project: string
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly installed: Installed
  }
}

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Packs the package as it would be published, and installs it into a new project. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (await isStale()) await npm(root, ['run', '--silent', 'build'])
  const folder = await mkdtemp(path.join(tmpdir(), 'coatcheck-package-'))
  const user = path.join(folder, 'project')
  await mkdir(user)
  await writeFile(
    path.join(user, 'package.json'),
    JSON.stringify({ name: 'user', private: true, type: 'module' }),
  )
  const [packed] = JSON.parse(
    await npm(root, ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]),
  ) as readonly { filename: string }[] // npm's own format
  const tarball = path.join(folder, packed?.filename ?? '')
  await npm(user, ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball])
  project.provide('installed', { tarball, project: user })
  return () => rm(folder, { recursive: true, force: true })
}

/** Gives a project packages of ours beside coatcheck: a framework, a driver, their types. */
export async function linkPackages(project: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const link = path.join(project, 'node_modules', name)
    await mkdir(path.dirname(link), { recursive: true })
    await symlink(path.join(root, 'node_modules', name), link, 'junction').catch(ignoreExisting)
  }
}

/** Several test files of one project link the same packages. */
function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

/** Whether something in `src/` is younger than the build. */
async function isStale(): Promise<boolean> {
  const [sources, built] = await Promise.all([times('src'), times('dist')])
  return built.length === 0 || Math.max(...sources) > Math.min(...built)
}

async function times(folder: string): Promise<number[]> {
  const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true }).catch(
    () => [],
  )
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(files.map(async (file) => (await stat(path.join(file.parentPath, file.name))).mtimeMs))
}

async function npm(cwd: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('npm', args, { cwd, shell: process.platform === 'win32' })
  return stdout
}
