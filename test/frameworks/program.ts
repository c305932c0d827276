import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { findFreePort } from '../servers/server-process.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** A program of `examples/` with a package.json of its own, in a folder with all that it needs. */
export interface Program {
  /** Runs one of its tools, `tsc` or a build, to the end. Fails with what it printed. */
  run(tool: string, args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<void>
  /** Starts it on a free port. */
  start(wishes: Start): Promise<Running>
}

/** How a program is started. */
export interface Start {
  /** What node runs, and its arguments; the port is in `PORT`. */
  readonly command: (port: number) => readonly string[]
  /** What it prints once it listens. */
  readonly ready: RegExp
  readonly environment: NodeJS.ProcessEnv
}

/** A program that listens. */
export interface Running {
  readonly port: number
  /** What it has printed so far. */
  output(): string
  /** Ends it and all its processes. */
  stop(): Promise<void>
}

/**
 * Copies a program beside the packages that its lock file names, which are installed once and kept, and gives it
 * coatcheck from the packed tarball.
 *
 * @param files What is added to it: text by path.
 */
export async function prepare(name: string, files: Readonly<Record<string, string>> = {}): Promise<Program> {
  const source = path.join(root, 'examples', name)
  const lock = await readFile(path.join(source, 'package-lock.json'))
  // .cache may be shared by checkouts that run at the same time.
  const key = createHash('sha256').update(lock).update(root).digest('hex').slice(0, 16)
  const folder = path.join(root, '.cache', 'frameworks', `${name}-${key}`)
  await mkdir(folder, { recursive: true })
  const old = (await readdir(folder)).filter((entry) => entry !== 'node_modules')
  await Promise.all(old.map((entry) => rm(path.join(folder, entry), { recursive: true, force: true })))
  await cp(source, folder, { recursive: true, filter: (file) => !SKIPPED.has(path.basename(file)) })
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true })
    await writeFile(path.join(folder, file), text)
  }
  // npm writes this file last.
  if (!existsSync(path.join(folder, 'node_modules', '.package-lock.json')))
    await complaining(run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder }))
  await unpack(inject('installed').tarball, path.join(folder, 'node_modules', 'coatcheck'))
  return {
    async run(tool, args, environment = {}) {
      const env = { ...quiet(), ...environment }
      const file = path.join('node_modules', '.bin', tool)
      await complaining(run(file, [...args], { cwd: folder, env, maxBuffer: 1 << 26 }))
    },
    start: (wishes) => start(folder, wishes),
  }
}

/** What somebody who ran the program in `examples/` has left there. */
const SKIPPED = new Set(['node_modules', '.next', '.svelte-kit', '.react-router', 'build', 'dist'])

async function unpack(tarball: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  await run('tar', ['-xzf', tarball, '-C', folder, '--strip-components', '1'])
}

/** No framework calls home, and none takes vitest's settings for its own. */
function quiet(): NodeJS.ProcessEnv {
  const { NODE_ENV: _, VITEST: __, ...env } = process.env
  return { ...env, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1', CI: '1' }
}

/** The error of a tool names its command only; people need what it printed. */
async function complaining(work: Promise<unknown>): Promise<void> {
  await work.catch((error: { message: string; stdout?: string; stderr?: string }) => {
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`)
  })
}

async function start(folder: string, { command, ready, environment }: Start): Promise<Running> {
  const port = await findFreePort()
  const child = spawn(process.execPath, command(port), {
    cwd: folder,
    env: { ...quiet(), HOST: '127.0.0.1', ...environment, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own: Next.js starts more processes, which outlive the first
  })
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: unknown): void => {
      printed += String(chunk)
      if (ready.test(printed)) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${printed}`)))
  })
  return { port, output: () => printed, stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  const isOver = child.exitCode !== null || child.signalCode !== null
  const exit = isOver ? undefined : once(child, 'exit')
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // the group has ended by itself
  }
  await exit
}
