import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Owner } from './server-process.ts'

const run = promisify(execFile)

/**
 * How a disk comes to be full: `mounted`, a small one that holds a server's data, or its write-ahead log, and nothing
 * else; or `limited`, by a limit on the size of its files, which needs no right to mount one.
 */
export type DiskKind = 'mounted' | 'limited'

/** A disk that a server writes to. */
export interface Disk {
  /** Lets no file grow any more. */
  fill(): Promise<void>
  makeRoom(): Promise<void>
}

/** Megabytes. A server's catalogs and some sessions; or its write-ahead log. */
const MOUNTED_SIZE = 64
/** Bytes. Segments of the write-ahead log are as large, and must be written. */
export const LIMIT: number = 2 ** 20
/** Bytes. Half a segment of the write-ahead log, and more than a server's shared memory, which is made of files too, takes for one. */
export const LOG_LIMIT: number = 4 * 2 ** 20

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

/**
 * @param size Bytes that a file may have when it is full.
 * @param listPids The processes that write there, first the one that starts the others; none where they have ended.
 */
export function limitedDisk(size: number, owner: Owner, listPids: () => Promise<readonly number[]>): Disk {
  const limitAll = async (limit: number | 'unlimited') => {
    for (const pid of await listPids())
      await run('prlimit', ['--pid', String(pid), `--fsize=${limit}:`], owner).catch(ignoreEnded)
  }
  const limitTwice = async (limit: number | 'unlimited') => {
    await limitAll(limit)
    await limitAll(limit) // what the first one started before it had its limit
  }
  return { fill: () => limitTwice(size), makeRoom: () => limitTwice('unlimited') }
}

function ignoreEnded(error: unknown): void {
  if (!String(error).includes('No such process')) throw error
}
