import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, readlink, rename, rm, rmdir, statfs, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { hostname } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../errors.ts'

/** A directory that is this process's alone until it lets it go or ends. */
export interface DirectoryLock {
  release(): Promise<void>
}

/** Which process claims a directory, so that another can tell whether it is still there. */
interface Claim {
  readonly pid: number
  /** The process's start in ticks after the boot: a number that is used again for another process has another. Empty where there is no /proc. */
  readonly startedAt: string
  /** The kernel's own id of its last start. Empty where there is no /proc. */
  readonly boot: string
  /** The space in which `pid` is a number: each container has one, and in each some process is number 1. */
  readonly namespace: string
  readonly host: string
  /** Whether the process listens on a socket beside its claim, to be seen from other containers. */
  readonly isListening: boolean
}

const TRIES = 10

/**
 * Locks a directory by a claim beside it, in `<directory>.lock/`.
 *
 * Each process writes a claim of its own and then reads those of others. Who sees no other that is alive has
 * the directory; so of two that come at once, at least the later sees the earlier, and no moment exists in which
 * a dead owner's lock must be taken over: its claim is only cleared away, and nobody else's can be meant by it.
 * Of two that see each other the one with the lower name stays, the other withdraws.
 *
 * @param directory Its real path: two names of one directory would be two locks.
 * @throws {@link ConfigError} another process has it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const folder = `${directory}.lock`
  const name = randomBytes(6).toString('hex')
  await mkdir(folder, { recursive: true })
  const server = await listen(socketPath(folder, name))
  const release = async () => {
    server?.close()
    await Promise.all(
      [`${name}.json`, `${name}.sock`].map((it) => rm(path.join(folder, it), { force: true })),
    )
    await rmdir(folder).catch(() => {}) // not empty: another's claim is in it
  }
  try {
    const claim = await aClaim(server !== undefined)
    const other = await stake(folder, name, claim)
    if (other === undefined) return { release }
    throw new ConfigError(`directory ${directory} is in use by ${describe(other, claim, folder)}`)
  } catch (error) {
    await release()
    throw error
  }
}

/** @returns the live claim that stands in the way. */
async function stake(folder: string, name: string, claim: Claim): Promise<Claim | undefined> {
  let isStaked = false
  for (let tries = 1; ; tries += 1) {
    const before = isStaked ? undefined : await findLiveClaim(folder, name, claim)
    if (before === undefined && !isStaked) {
      await writeClaim(folder, name, claim)
      isStaked = true
    }
    const other = before ?? (await findLiveClaim(folder, name, claim))
    if (other === undefined) return undefined
    if (tries === TRIES) return other.claim
    if (isStaked && other.name < name) {
      await rm(path.join(folder, `${name}.json`), { force: true })
      isStaked = false
    }
    await sleep(10 + Math.random() * 20)
  }
}

/** Whole or not at all: under its last name only once all is in it. */
async function writeClaim(folder: string, name: string, claim: Claim): Promise<void> {
  const draft = path.join(folder, `${name}.draft`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(draft, JSON.stringify(claim), { mode: 0o644 })
    await rename(draft, path.join(folder, `${name}.json`))
  } catch (error) {
    // Whoever let the directory go has just removed the folder, which was empty.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return writeClaim(folder, name, claim)
    throw error
  }
}

/** Finds another's claim whose process is alive, and clears the others away. */
async function findLiveClaim(folder: string, ownName: string, self: Claim) {
  for (const file of await readdir(folder).catch(() => [])) {
    const [name = '', kind] = file.split('.')
    if (name === ownName || kind === 'sock') continue
    // A draft is cleared away too; if its process is alive it writes another.
    const claim = kind === 'json' ? await readClaim(path.join(folder, file)) : undefined
    if (claim !== undefined && (await isAlive(claim, self, folder, name))) return { name, claim }
    if (kind === 'draft') await rm(path.join(folder, file), { force: true })
    else await Promise.all([file, `${name}.sock`].map((it) => rm(path.join(folder, it), { force: true })))
  }
  return undefined
}

/** `undefined`: withdrawn meanwhile, or emptied by a power cut, which no process survives. */
async function readClaim(file: string): Promise<Claim | undefined> {
  const text = await readIfThere(file)
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Claim) // written whole, by writeClaim
  } catch {
    return undefined
  }
}

/** Any other failure says nothing of the process: too many open files, for one. */
async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // ESRCH: of /proc, when the process ends while its file is read.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined
    throw error
  })
}

async function isAlive(claim: Claim, self: Claim, folder: string, name: string): Promise<boolean> {
  if (claim.boot !== self.boot) {
    // Another start of this machine, or another machine that shares the directory over a network.
    return claim.host !== self.host && !(await isOnLocalDisk(folder))
  }
  if (claim.namespace === self.namespace) {
    return claim.startedAt === '' ? isRunning(claim.pid) : claim.startedAt === (await readStart(claim.pid))
  }
  // In another container of this machine, where its number says nothing here. Without a socket nobody can tell.
  return !claim.isListening || (await isAnswering(socketPath(folder, name)))
}

async function aClaim(isListening: boolean): Promise<Claim> {
  return {
    pid: process.pid,
    startedAt: (await readStart(process.pid)) ?? '',
    boot: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim(),
    namespace: await readlink('/proc/self/ns/pid').catch(() => ''),
    host: hostname(),
    isListening,
  }
}

/** Field 22 of proc(5)'s stat. The second field, the program's name in brackets, may hold blanks and brackets. */
async function readStart(pid: number): Promise<string | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const LOCAL_DISKS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0x794c7630, // overlayfs
  0x01021994, // tmpfs
])

async function isOnLocalDisk(folder: string): Promise<boolean> {
  return LOCAL_DISKS.has((await statfs(folder)).type)
}

// A socket in the file system is seen by every container that has the directory, and the kernel closes it when
// its process ends, however it ends. It answers to who connects, which is all that it does.
async function listen(socket: string | undefined): Promise<Server | undefined> {
  if (socket === undefined) return undefined
  const server = createServer((connection) => connection.destroy())
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined)) // a file system that holds no sockets
    server.listen(socket, () => resolve(server.unref()))
  })
}

function isAnswering(socket: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket === undefined) return resolve(true)
    const connection = connect(socket, () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}

/** `undefined` on Windows, and where the path is too long for a socket's address: 108 bytes, on macOS 104. */
function socketPath(folder: string, name: string): string | undefined {
  const absolute = path.join(folder, `${name}.sock`)
  const relative = path.relative(process.cwd(), absolute)
  const shorter = relative.length < absolute.length ? relative : absolute
  return process.platform === 'win32' || Buffer.byteLength(shorter) > 100 ? undefined : shorter
}

function describe(other: Claim, self: Claim, folder: string): string {
  if (other.host === self.host && other.namespace === self.namespace && other.pid === self.pid)
    return 'this process'
  if (other.host === self.host && other.namespace === self.namespace) return `process ${other.pid}`
  return `process ${other.pid} of ${other.host}; if that is gone for good, remove ${folder}`
}
