import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The application, running as a process of its own. */
export interface InboxProcess {
  /** Where its pages are. */
  readonly url: string
  /** Folder with its keys and sessions. */
  readonly folder: string
  /** Ends it as an operator does. @returns its exit code. */
  stop(): Promise<number | null>
  /** Ends it as a power cut does. */
  kill(): Promise<void>
}

/** What became of an application that did not start. */
export interface FailedStart {
  readonly code: number | null
  readonly output: string
}

/** Makes an empty folder for the application's data. */
export function aFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'inbox-'))
}

/** Removes what {@link aFolder} made. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}

/** Starts the application on a free port and waits until it says where it is. */
export async function startInbox(folder: string, environment: NodeJS.ProcessEnv = {}): Promise<InboxProcess> {
  const child = spawnInbox(folder, environment)
  const output = listen(child)
  const exited = once(child, 'exit')
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const said = /^inbox is at http:\S+:(\d+)$/m.exec(output())
      if (said?.[1] !== undefined) resolve(said[1])
    })
    child.once('exit', () => reject(new Error(`the inbox did not start:\n${output()}`)))
  })
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    url: `http://localhost:${port}`,
    folder,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  }
}

/** Starts the application where it is expected not to start. */
export async function failToStart(folder: string, environment: NodeJS.ProcessEnv): Promise<FailedStart> {
  const child = spawnInbox(folder, environment)
  const output = listen(child)
  try {
    await once(child, 'close')
  } finally {
    child.kill('SIGKILL')
  }
  return { code: child.exitCode, output: output() }
}

// What `npm start` runs, without the processes in between: a signal reaches the application itself.
function spawnInbox(folder: string, environment: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', 'examples/inbox/main.ts'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, PORT: '0', INBOX_DATA: folder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function listen(child: ChildProcess): () => string {
  let text = ''
  const add = (chunk: Buffer) => {
    text += chunk.toString()
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  return () => text
}
