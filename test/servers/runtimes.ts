import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The runtimes that the tests run on, beside the Node that runs the tests: the newest of each that installs here. */
export const VERSIONS = {
  'Node 22': '22.23.3',
  'Node 24': '24.21.0',
  'Node 26': '26.10.0',
  Bun: '1.4.5',
  Deno: '2.9.5',
  miniflare: '4.20260426.0',
} as const

/** A Node beside the one at hand. */
export type NodeName = Extract<keyof typeof VERSIONS, `Node ${string}`>

const { platform, arch } = process
const extension = platform === 'win32' ? '.exe' : ''

/** Installs a Node, once. @returns its program. */
export async function installNode(name: NodeName): Promise<string> {
  const version = VERSIONS[name]
  // What the package `node` would install by a script. The folder is named by what a reader knows.
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node'
  const build = [prefix, platform === 'win32' ? 'win' : platform, arch].join('-')
  const modules = await install(`node-${version}`, `${build}@${version}`)
  return path.join(modules, build, 'bin', `node${extension}`)
}

/** Installs Bun, once. @returns its program. */
export async function installBun(): Promise<string> {
  const modules = await install(`bun-${VERSIONS.Bun}`, `bun@${VERSIONS.Bun}`)
  return findProgram(path.join(modules, '@oven'), `bin/bun${extension}`)
}

/** Installs Deno, once. @returns its program. */
export async function installDeno(): Promise<string> {
  const modules = await install(`deno-${VERSIONS.Deno}`, `deno@${VERSIONS.Deno}`)
  return findProgram(path.join(modules, '@deno'), `deno${extension}`)
}

/** Installs miniflare and with it workerd, once. @returns the module to import. */
export async function installMiniflare(): Promise<string> {
  const modules = await install(`miniflare-${VERSIONS.miniflare}`, `miniflare@${VERSIONS.miniflare}`)
  return path.join(modules, 'miniflare/dist/src/index.js')
}

/** Of a wrapper's optional packages npm has installed those that fit this machine. */
async function findProgram(scope: string, file: string): Promise<string> {
  for (const build of await readdir(scope)) {
    const program = path.join(scope, build, file)
    if (existsSync(program)) return program
  }
  throw new Error(`${scope} holds no program for ${platform} on ${arch}`)
}

/**
 * Installs a package into a cache folder of the project. Not a dev dependency: the programs of the runtimes
 * would come first on the PATH of every script. @returns its `node_modules`.
 */
async function install(name: string, specifier: string): Promise<string> {
  const cache = fileURLToPath(new URL(`../../.cache/${name}`, import.meta.url))
  const modules = path.join(cache, 'node_modules')
  if (existsSync(modules)) return modules
  // Beside it and then renamed, so that what an interrupted run leaves is never taken for whole.
  const partial = `${cache}.${process.pid}`
  await mkdir(partial, { recursive: true })
  const options = ['--prefix', partial, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  try {
    await promisify(execFile)('npm', ['install', ...options, specifier], {
      cwd: partial,
      shell: platform === 'win32',
    })
    await rename(partial, cache)
  } catch (cause) {
    await rm(partial, { recursive: true, force: true })
    if (!existsSync(modules))
      throw new Error(`cannot install ${specifier}: run this with the npm registry in reach`, { cause })
  }
  return modules
}
