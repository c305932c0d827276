import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { generateKey } from 'coatcheck'
import { build } from 'esbuild'
import type pg from 'pg'
import { afterAll, beforeAll, expect } from 'vitest'
import { createDatabase, type PostgresServer, startPostgres } from '../servers/postgres.ts'

/** The key of the programs that are ended. */
export const SESSION_KEY: string = generateKey()

const PROGRAM = 'program.mjs'

/** How a process came to its end. */
interface Run {
  /** The Cookie header that its browser had before the scenario. */
  readonly cookie: string
  readonly isDone: boolean
  readonly signal: NodeJS.Signals | null
}

/** What a process does, and what is looked at when it has ended. */
export interface Ending {
  /** As killed-program.ts knows it. */
  readonly scenario: string
  /** Makes a new database ready for the scenario. (default: nothing) */
  prepare?(url: string): Promise<void>
  check(url: string, cookie: string, when: string): Promise<void>
}

/** Carries out scenarios in processes that end themselves. */
class KilledProcesses {
  /** Connection string of the server in which they have their databases. */
  readonly serverUrl: string
  readonly #folder: string

  constructor(serverUrl: string, folder: string) {
    this.serverUrl = serverUrl
    this.#folder = folder
  }

  /** Builds the program once, because it is started many times. */
  static async build(serverUrl: string): Promise<KilledProcesses> {
    const folder = await mkdtemp(path.join(tmpdir(), 'coatcheck-killed-'))
    await build({
      entryPoints: [path.join(import.meta.dirname, 'killed-program.ts')],
      outfile: path.join(folder, PROGRAM),
      bundle: true,
      format: 'esm',
      platform: 'node',
      external: ['pg-native'],
      // For the CommonJS in pg, which asks for node's own modules.
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/')" },
    })
    return new KilledProcesses(serverUrl, folder)
  }

  /**
   * Ends a process at every boundary of a scenario, each time in a database of its own.
   *
   * @returns how many statements the scenario has.
   */
  async endEverywhere({ scenario, prepare, check }: Ending): Promise<number> {
    for (let step = 1; ; step++) {
      const ends = ['before', 'after'].map(async (when) => {
        const url = await createDatabase(this.serverUrl)
        await prepare?.(url)
        const { cookie, isDone, signal } = await this.#run(url, scenario, String(step), when)
        if (isDone) return true
        expect(signal).toBe('SIGKILL')
        await check(url, cookie, when)
        return false
      })
      const [isDone] = await Promise.all(ends)
      if (isDone) return step - 1
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true })
  }

  async #run(...args: readonly string[]): Promise<Run> {
    const child = spawn(process.execPath, [path.join(this.#folder, PROGRAM), ...args], {
      env: { ...process.env, SESSION_KEY },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
    })
    const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    const [cookie = '', done] = output.split('\n')
    return { cookie, isDone: done === 'done', signal }
  }
}

/** Gives the tests of a file such processes, over a PostgreSQL of their own. @returns what gives them to a test. */
export function useKilledProcesses(): () => KilledProcesses {
  let server: PostgresServer
  let processes: KilledProcesses

  beforeAll(async () => {
    server = await startPostgres(18)
    processes = await KilledProcesses.build(server.url)
  })

  afterAll(async () => {
    await processes.remove()
    await server.stop()
  })

  return () => processes
}

/** Waits until the server has ended what the dead process had asked for. */
export async function settled(pool: pg.Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      `select from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    )
    if (rows.length === 0) return
  }
}
