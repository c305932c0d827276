import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Owner } from './server-process.ts'

const run = promisify(execFile)

/**
 * How a disk comes to be full: `mounted`, a small one that holds a server's data and nothing else, or `limited`, by a
 * limit on the size of its files, which needs no right to mount one.
 */
export type DiskKind = 'mounted' | 'limited'

/** The disk of a server's data. Its write-ahead log has room elsewhere. */
export interface Disk {
  /** Lets no file grow any more. */
  fill(): Promise<void>
  makeRoom(): Promise<void>
}

/** Megabytes. A server's catalogs and some sessions. */
const MOUNTED_SIZE = 64
/** Bytes. Segments of the write-ahead log are as large, and must be written. */
export const LIMIT: number = 2 ** 20

/** The kinds that there are here: mounting is for root, and not in every container. */
export async function listDiskKinds(): Promise<readonly DiskKind[]> {
  const canMount = await run('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).then(
    () => true,
    () => false,
  )
  return canMount ? ['mounted', 'limited'] : ['limited']
}

export async function mountDisk(folder: string): Promise<void> {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${MOUNTED_SIZE}m,mode=700`, 'tmpfs', folder])
}

export async function unmountDisk(folder: string): Promise<void> {
  await run('umount', [folder])
}

/** A disk that {@link mountDisk} has mounted. */
export function mountedDisk(folder: string): Disk {
  const filler = path.join(folder, 'filler')
  return {
    async fill() {
      const error = await writeFile(filler, Buffer.alloc(MOUNTED_SIZE * 2 ** 20)).catch((it: unknown) => it)
      if (!isFull(error)) throw error
    },
    makeRoom: () => rm(filler),
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC'
}

/** @param listPids The processes that write there, first the one that starts the others. */
export function limitedDisk(owner: Owner, listPids: () => Promise<readonly number[]>): Disk {
  const limit = async (size: number | 'unlimited') => {
    const limitOne = (pid: number | undefined) =>
      run('prlimit', ['--pid', String(pid), `--fsize=${size}:`], owner).catch(ignoreEnded)
    // What the first one starts from now on has its limit.
    await limitOne((await listPids())[0])
    for (const pid of await listPids()) await limitOne(pid)
  }
  return { fill: () => limit(LIMIT), makeRoom: () => limit('unlimited') }
}

function ignoreEnded(error: unknown): void {
  if (!String(error).includes('No such process')) throw error
}
