import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Who owns a server's files and runs it. PostgreSQL and PgBouncer refuse to run as root. */
export type Owner =
  | { readonly uid: number; readonly gid: number }
  | { readonly uid?: undefined; readonly gid?: undefined }

/** Who we are, or nobody where we are root. */
export async function findOwner(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {}
  // initdb looks its own uid up in /etc/passwd, so a number that stands there is needed.
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((it) => it.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined)
    throw new Error('a server of the tests cannot run as root, and there is no user nobody')
  return { uid: Number(uid), gid: Number(gid) }
}

// A test run that is killed closes the pipe, and so leaves no server behind.
const UNTIL_STDIN_ENDS =
  'signal=$1; shift; "$@" & server=$!; cat > /dev/null; kill -$signal $server; wait $server'

/** A server program, and how to start it. */
export interface ServerProgram {
  readonly command: readonly string[]
  readonly owner: Owner
  /** Its working directory. */
  readonly folder: string
  /** What stops it at once and in order. */
  readonly stopSignal: 'INT' | 'TERM' | 'KILL'
  /** Whether it answers by now. */
  readonly isReady: () => Promise<boolean>
}

/** Starts a server, and waits until it answers. @throws it ended, or does not answer within ten seconds. */
export async function startServer(program: ServerProgram): Promise<ChildProcess> {
  const { command, owner, folder, stopSignal, isReady } = program
  const child = spawn('/bin/sh', ['-c', UNTIL_STDIN_ENDS, 'sh', stopSignal, ...command], {
    ...owner,
    cwd: folder,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr?.on('data', (chunk) => {
    log = `${log}${chunk}`.slice(-4000)
  })
  for (let tries = 0; tries < 400 && child.exitCode === null; tries++) {
    if (await isReady()) return child
    await sleep(25)
  }
  await stopServer(child)
  throw new Error(`${command[0]} did not start:\n${log}`)
}

/** Stops a server in order, and waits for its end. */
export async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.stdin?.end()
  await exited
}

/**
 * A port of 127.0.0.1 that nobody listens on, and 10,000 further on another, for the bus of a Redis Cluster. Both are
 * below those that systems give to clients: one of those may be taken before the server has it, or while it is down.
 */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 12_000 + Math.floor(Math.random() * 10_000)
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port
  }
  throw new Error('no free port')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
