import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { KeyedQueue } from '../../../src/internal/keyed-queue.ts'

/** Runs tasks of these keys at once; gives which of them had begun before any had ended. */
async function begun(queue: KeyedQueue, keys: readonly string[]): Promise<number[]> {
  const running: number[] = []
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const runs = keys.map((key, index) =>
    queue.run(key, async () => {
      running.push(index)
      await ended
    }),
  )
  await new Promise((resolve) => setImmediate(resolve))
  const before = [...running]
  end()
  await Promise.all(runs)
  return before
}

describe('KeyedQueue', () => {
  afterEach(() => void vi.unstubAllGlobals())

  it('runs tasks of one key one after the other, those of others beside them', async () => {
    expect(await begun(new KeyedQueue(), ['a', 'a', 'b', 'a'])).toEqual([0, 2])
  })

  it('lets nobody who comes later overtake one who still waits', async () => {
    const queue = new KeyedQueue()
    const log: string[] = []
    const ends: (() => void)[] = []
    const run = (name: string) =>
      queue.run('a', async () => {
        log.push(`${name} begins`)
        await new Promise<void>((resolve) => ends.push(resolve))
        log.push(`${name} ends`)
      })
    const runs = [run('first'), run('second')]
    ends.shift()?.()
    await runs[0]
    runs.push(run('third'))
    for (const each of runs.slice(1)) {
      await new Promise((resolve) => setImmediate(resolve))
      ends.shift()?.()
      await each
    }
    expect(log).toEqual(['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]))
  })

  it('runs all side by side where the runtime keeps requests apart', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    expect(await begun(new KeyedQueue(), ['a', 'a', 'b', 'a'])).toEqual([0, 1, 2, 3])
  })

  it('keeps nothing of a task that has ended', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void // what the flag is for
    const queue = new KeyedQueue()
    const run = async () => new WeakRef(await queue.run('a', async () => ({ of: 'a request' })))
    const result = await run()
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    expect(result.deref()).toBeUndefined()
    expect(await begun(queue, ['a'])).toEqual([0])
  })

  it('goes on behind a task that failed, in the order in which they came', async () => {
    const queue = new KeyedQueue()
    const ran: string[] = []
    const failing = queue.run('a', () => Promise.reject(new Error('mine')))
    const others = ['first', 'second'].map((name) => queue.run('a', async () => ran.push(name)))
    await expect(failing).rejects.toThrow('mine')
    expect(await Promise.all(others)).toEqual([1, 2])
    expect(ran).toEqual(['first', 'second'])
  })
})
