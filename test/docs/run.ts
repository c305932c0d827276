import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** A program of the documentation that is running, or has ended. */
export interface Run {
  /** Where it listens; `undefined` where it ended without. */
  readonly origin: string | undefined
  /** Exit code of a program that ended by itself. */
  readonly exitCode: number | undefined
  /** What it printed. */
  output(): string
  stop(): Promise<void>
}

/** Starts a program, and waits until it listens or ends. @param databaseUrl For the variables that `pg` reads. */
export async function run(file: string, databaseUrl: string): Promise<Run> {
  const preload = pathToFileURL(path.resolve('test/docs/preload.mjs')).href
  const child = spawn(process.execPath, [`--import=${preload}`, file], {
    cwd: path.dirname(file),
    env: {
      PATH: process.env.PATH,
      SESSION_KEY: 'only for tests, and long enough for that',
      ...toVariables(databaseUrl),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)))
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const [first] = await Promise.race([once(child, 'message'), once(child, 'close')])
  clearTimeout(timer)
  const { port } = (typeof first === 'object' ? (first ?? {}) : {}) as { port?: number } // what preload.mjs sends
  return {
    origin: port === undefined ? undefined : `http://127.0.0.1:${port}`,
    exitCode: port === undefined ? (child.exitCode ?? 1) : undefined,
    output: () => output,
    stop: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function toVariables(databaseUrl: string): Record<string, string> {
  const { hostname, port, username, pathname } = new URL(databaseUrl)
  return { PGHOST: hostname, PGPORT: port, PGUSER: username, PGDATABASE: pathname.slice(1) }
}
