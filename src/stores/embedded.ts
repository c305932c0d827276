import { access, chmod, mkdir, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ConfigError, StoreError } from '../errors.ts'
import { lockDirectory } from '../internal/directory-lock.ts'
import { type PostgresDatabase, PostgresStore } from './postgres.ts'

/** As much of PGlite as is used here. */
interface Database extends PostgresDatabase {
  close(): Promise<void>
}

/**
 * Keeps sessions in a PostgreSQL that runs in the process, in WebAssembly: for development, and for one process
 * on one machine. Everything that holds for a {@link PostgresStore} holds here.
 *
 * It needs the package `@electric-sql/pglite` and about 700 MB of memory.
 */
export class EmbeddedStore extends PostgresStore {
  readonly #end: () => Promise<void>
  #ended: Promise<void> | undefined

  /** Use {@link open}. @param end Closes the database, once what is under way is done. */
  protected constructor(db: PostgresDatabase, end: () => Promise<void>) {
    super({ db })
    this.#end = end
  }

  /**
   * Opens the store, and makes it first if there is none.
   *
   * The sessions survive a restart, and the end of the process at any moment. A power cut, or a crash of the
   * operating system, may lose the last seconds and, as nothing waits for the disk, in the worst case the whole
   * directory: everybody signs in again. Where that is too much, use a PostgreSQL server.
   *
   * A directory that it fills is made its owner's alone (mode 0700), as what is in it is not protected.
   *
   * One process at a time has the directory: a folder beside it, `<directory>.lock`, says which. A process that
   * was killed does not stand in the way. Where containers share a volume, put the directory in a folder of the
   * volume, not at its root, so that they share what is beside it too.
   *
   * @param directory Where to keep it. (default: none; everything is in memory and ends with the process)
   * @throws {@link ConfigError} another process has the directory, it holds something else, or
   *   `@electric-sql/pglite` is not installed.
   * @throws {@link StoreError} the database cannot be opened; `cause` says why.
   */
  static async open(directory?: string): Promise<EmbeddedStore> {
    const { PGlite } = await importPGlite()
    if (directory === undefined)
      return EmbeddedStore.#start(
        () => PGlite.create(),
        async () => {},
      )

    await mkdir(directory, { recursive: true })
    const place = await realpath(directory)
    const lock = await lockDirectory(place)
    try {
      const confirm = await prepare(place)
      const store = await EmbeddedStore.#start(
        () => PGlite.create(place),
        () => lock.release(),
      )
      await confirm()
      return store
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  static async #start(create: () => Promise<Database>, release: () => Promise<void>): Promise<EmbeddedStore> {
    const db = await create().catch((cause: unknown) => {
      throw new StoreError('open', cause)
    })
    const store = new EmbeddedStore(db, async () => {
      await db.close()
      await release()
    })
    try {
      await store.migrate()
    } catch (error) {
      // Before the lock is let go: an open database would go on writing.
      await db.close()
      throw error
    }
    return store
  }

  /** Waits for what is under way, closes the database, and lets the directory go. May be called again. */
  override async close(): Promise<void> {
    this.#ended ??= super.close().then(this.#end)
    await this.#ended
  }
}

async function importPGlite() {
  try {
    return await import('@electric-sql/pglite')
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
    throw isMissing
      ? new ConfigError('EmbeddedStore needs a package: npm install @electric-sql/pglite', { cause })
      : cause
  }
}

/**
 * Sees to it that a directory holds a database whole or none. A process that was killed while it made one left
 * a mark, and so no session yet: what it made is removed.
 *
 * @returns what to call once the database is whole.
 */
async function prepare(place: string): Promise<() => Promise<void>> {
  const mark = `${place}.unfinished`
  if (await exists(mark)) {
    for (const file of await readdir(place)) await rm(path.join(place, file), { recursive: true })
  }
  const files = await readdir(place)
  if (files.includes('PG_VERSION')) return async () => {}
  if (files.length > 0) throw new ConfigError(`directory ${place} holds something else than sessions`)
  // PostgreSQL insists on this; PGlite makes files that everybody may read and write, who sees them.
  await chmod(place, 0o700)
  await writeFile(mark, '')
  return () => rm(mark)
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
