import { execFile } from 'node:child_process'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { findProgram, programs } from '../../scripts/ensure-debian.ts'
import { isAnswering } from './postgres.ts'
import { findFreePort, findOwner, startServer, stopServer } from './server-process.ts'

/** When PgBouncer takes a server connection away from a client: as it leaves, after a transaction, after a statement. */
export type PoolMode = 'session' | 'transaction' | 'statement'

/** A PgBouncer of our own before a PostgreSQL, on a free port of 127.0.0.1, with its files in a temporary folder. */
export interface PgBouncer {
  /** Connection string to the same database, through it. */
  readonly url: string
  /** Stops it, ending every connection, and removes its files. */
  stop(): Promise<void>
}

/** How a PgBouncer is set up. */
export interface PgBouncerSettings {
  readonly mode: PoolMode
  /** Server connections that all clients share. (default: 5; 40 in session mode, where a client keeps one) */
  readonly poolSize?: number
}

/**
 * Starts a PgBouncer that knows nothing of prepared statements, as before 1.21 or with `max_prepared_statements = 0`.
 *
 * @param databaseUrl Connection string of the database that it stands before, without a password.
 */
export async function startPgBouncer(databaseUrl: string, settings: PgBouncerSettings): Promise<PgBouncer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'coatcheck-pgbouncer-'))
  try {
    const program = findProgram(programs.pgbouncer)
    const [owner, port, limits] = await Promise.all([findOwner(), findFreePort(), toLimits(program)])
    const file = path.join(folder, 'pgbouncer.ini')
    await writeFile(file, `${toConfiguration(new URL(databaseUrl), port, settings)}${limits}`)
    if (owner.uid !== undefined)
      await Promise.all([folder, file].map((it) => chown(it, owner.uid, owner.gid)))
    const url = new URL(databaseUrl)
    url.port = String(port)
    const child = await startServer({
      command: [program, file],
      owner,
      folder,
      stopSignal: 'KILL', // it has nothing to save, and its orderly shutdowns wait for clients
      isReady: () => isAnswering(url.href),
    })
    return {
      url: url.href,
      async stop() {
        await stopServer(child)
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

// Fewer server connections than clients, and for each transaction the one that has waited longest, not the one that was
// used last: a store that keeps something on a connection fails here.
function toConfiguration({ hostname, port, username }: URL, listenPort: number, settings: PgBouncerSettings) {
  const { mode, poolSize = mode === 'session' ? 40 : 5 } = settings
  return `
[databases]
* = host=${hostname} port=${port} user=${username}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${poolSize}
server_round_robin = 1
`
}

/** An older PgBouncer refuses the setting, a newer one has to be told. */
async function toLimits(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version'])
  const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(stdout) ?? []
  const knowsNames = Number(major) > 1 || Number(minor) >= 21
  return knowsNames ? 'max_prepared_statements = 0\n' : ''
}
