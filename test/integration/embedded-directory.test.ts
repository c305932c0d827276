import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { EmbeddedStore } from 'coatcheck/stores/embedded'
import { NOW } from 'coatcheck/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lockDirectory } from '../../src/internal/directory-lock.ts'

const program = path.join(import.meta.dirname, 'embedded-program.ts')

describe('EmbeddedStore.open', () => {
  let folder: string
  const children: ChildProcessWithoutNullStreams[] = []

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'coatcheck-embedded-'))
  })

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  /** Opens a directory in a process of its own. */
  function start(directory: string) {
    const child = spawn(process.execPath, ['--import', 'tsx', program, directory])
    children.push(child)
    child.stderr.pipe(process.stderr)
    const lines: string[] = []
    let rest = ''
    child.stdout.on('data', (chunk) => {
      const parts = (rest + String(chunk)).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts)
    })
    const nextLine = async (): Promise<string> => {
      while (lines.length === 0) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
      return lines.shift() ?? ''
    }
    return { child, nextLine }
  }

  it('makes a directory that its owner alone can enter: PGlite leaves its files open to everybody', async () => {
    const directory = path.join(folder, 'modes')
    await mkdir(directory, { mode: 0o755 })
    const store = await EmbeddedStore.open(directory)
    await store.close()
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
  })

  it('keeps its sessions when its process is killed, and its lock does not stand in the way', async () => {
    const directory = path.join(folder, 'deep', 'killed')
    const { child, nextLine } = start(directory)
    expect(await nextLine()).toBe('open')
    child.stdin.write('\n')
    const id = await nextLine()

    const second = start(directory)
    expect(await second.nextLine()).toBe(`refused: directory ${directory} is in use by process ${child.pid}`)

    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = await EmbeddedStore.open(directory)
    expect((await store.listByUser('ada', NOW)).map((it) => it.id)).toEqual([id])
    await expect(EmbeddedStore.open(directory)).rejects.toMatchObject({
      code: 'ERR_SESSION_CONFIG',
      message: `directory ${directory} is in use by this process`,
    })
    await store.close()
    await store.close()
    expect(await readdir(path.dirname(directory))).toEqual(['killed'])

    const again = await EmbeddedStore.open(directory)
    expect(await again.get(id, NOW)).toMatchObject({ id })
    await again.close()
  }, 180_000) // PGlite starts four times

  it('begins anew in a directory whose making was interrupted', async () => {
    const directory = path.join(folder, 'half')
    await mkdir(directory)
    await writeFile(path.join(directory, 'PG_VERSION'), '18\n')
    await writeFile(`${directory}.unfinished`, '')
    const store = await EmbeddedStore.open(directory)
    expect(await store.listByUser('ada', NOW)).toEqual([])
    await store.close()
  })

  it('refuses a directory that holds something else, and leaves it as it is', async () => {
    const directory = path.join(folder, 'photos')
    await mkdir(directory)
    await writeFile(path.join(directory, 'cat.jpg'), 'cat')
    await expect(EmbeddedStore.open(directory)).rejects.toMatchObject({ code: 'ERR_SESSION_CONFIG' })
    expect(await readFile(path.join(directory, 'cat.jpg'), 'utf8')).toBe('cat')
    expect(await readdir(folder)).not.toContain('photos.lock')
  })
})

describe('lockDirectory', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'coatcheck-lock-'))
  })

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  /** Reads what a process of this machine writes down. */
  async function ownClaim(): Promise<Record<string, unknown>> {
    const directory = path.join(folder, 'own')
    const lock = await lockDirectory(directory)
    const file = (await readdir(`${directory}.lock`)).find((name) => name.endsWith('.json')) ?? ''
    const claim: Record<string, unknown> = JSON.parse(
      await readFile(path.join(`${directory}.lock`, file), 'utf8'),
    )
    await lock.release()
    return claim
  }

  /** Puts the claim of another process beside a directory. */
  async function claimed(name: string, claim: Record<string, unknown> | string): Promise<string> {
    const directory = path.join(folder, name)
    await mkdir(`${directory}.lock`)
    const text = typeof claim === 'string' ? claim : JSON.stringify({ ...(await ownClaim()), ...claim })
    await writeFile(path.join(`${directory}.lock`, '000000000000.json'), text)
    return directory
  }

  it('gives a directory to one of many that come at once, whoever held it before is gone', async () => {
    for (let round = 0; round < 20; round++) {
      const directory = await claimed(`race${round}`, { pid: 2 ** 22 + 1, startedAt: '1' })
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)))
      const locks = results.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
      expect(locks).toHaveLength(1)
      await locks[0]?.release()
      expect(await readdir(folder)).not.toContain(`race${round}.lock`)
    }
  })

  it('takes nobody for gone whose claim it cannot read', async () => {
    const directory = path.join(folder, 'unreadable')
    const claim = path.join(`${directory}.lock`, '000000000000.json')
    await mkdir(`${directory}.lock`)
    await symlink(claim, claim) // stands for whatever fails: too many open files, for one
    await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'ELOOP' })
    expect(await readdir(`${directory}.lock`)).toEqual(['000000000000.json'])
  })

  it.each([
    ['ended', { pid: 2 ** 22 + 1, startedAt: '1' }],
    ['ended, its number being used by another process since', { pid: process.ppid, startedAt: '1' }],
    ['ended with the machine, which has started again', { boot: 'another' }],
    [
      'ended with the machine, in another container',
      { boot: 'another', host: 'another', namespace: 'pid:[1]' },
    ],
    ['ended in another container, as its socket shows', { namespace: 'pid:[1]', isListening: true }],
  ])('clears away the lock of a process that has %s', async (name, claim) => {
    const directory = await claimed(name, claim)
    await (await lockDirectory(directory)).release()
    expect(await readdir(folder)).not.toContain(`${name}.lock`)
  })

  it('clears away a lock that a power cut left empty', async () => {
    await (await lockDirectory(await claimed('empty', ''))).release()
  })

  it('leaves the directory to a live process, however this one calls it', async () => {
    const claim = await ownClaim()
    const directory = await claimed('live', claim)
    await expect(lockDirectory(directory)).rejects.toThrow('in use by this process')
    expect(await readdir(`${directory}.lock`)).toEqual(['000000000000.json'])
  })

  it('leaves it to a process of another container that has the same number and answers on its socket', async () => {
    const directory = await claimed('container', { namespace: 'pid:[1]', host: 'other', isListening: true })
    const server = createServer().listen(path.join(`${directory}.lock`, '000000000000.sock'))
    await once(server, 'listening')
    await expect(lockDirectory(directory)).rejects.toThrow(`in use by process ${process.pid} of other`)
    server.close()
    await once(server, 'close')
    await (await lockDirectory(directory)).release()
  })

  it('leaves it to a process of another container of which nothing can be told', async () => {
    const directory = await claimed('unknown', { namespace: 'pid:[1]', isListening: false })
    await expect(lockDirectory(directory)).rejects.toThrow(
      `in use by process ${process.pid} of ${hostname()}; if that is gone for good, remove ${directory}.lock`,
    )
  })

  it('lets a process that opens a directory by a symbolic link meet the one that has it', async () => {
    const directory = path.join(folder, 'linked')
    await mkdir(directory)
    await symlink(directory, path.join(folder, 'link'))
    await writeFile(path.join(directory, 'something'), '')
    const lock = await lockDirectory(directory)
    await expect(EmbeddedStore.open(path.join(folder, 'link'))).rejects.toThrow(`${directory} is in use`)
    await lock.release()
  })
})
