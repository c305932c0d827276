import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { Deadlines } from '../../../src/internal/deadlines.ts'

const never = new Promise<never>(() => undefined)
const late = () => new Error('late')

/** When something that may take so many ms from now is to be given up. */
const within = (ms: number) => performance.now() + ms

/** Timers that keep the process alive. */
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers() {
  let resolve: () => void = () => undefined
  let reject: (reason: Error) => void = () => undefined
  const promise = new Promise<void>((...both) => ([resolve, reject] = both))
  return { promise, resolve, reject }
}

describe('Deadlines', () => {
  it('gives what the work gives, and what it fails with', async () => {
    const deadlines = new Deadlines()
    expect(await deadlines.wait(Promise.resolve(1), within(1000), late)).toBe(1)
    await expect(deadlines.wait(Promise.reject(new Error('failed')), within(1000), late)).rejects.toThrow(
      'failed',
    )
  })

  it('gives up each at its own time, in whatever order they came, and sets no timer beyond that', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      const set = vi.spyOn(globalThis, 'setTimeout')
      const deadlines = new Deadlines()
      const given: number[] = []
      for (const ms of [60, 5, 30]) deadlines.wait(never, within(ms), late).catch(() => void given.push(ms))
      const seen: number[][] = []
      for (const ms of [4, 1, 24, 1, 29, 1]) {
        await vi.advanceTimersByTimeAsync(ms)
        seen.push([...given])
      }
      expect(seen).toEqual([[], [5], [5], [5, 30], [5, 30], [5, 30, 60]])
      expect(set.mock.calls.map(([, ms]) => ms)).toEqual([60, 5, 25, 30])
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.restoreAllMocks()
      vi.useRealTimers()
    }
  })

  it('gives up nobody early, and leaves those who were answered alone', async () => {
    const deadlines = new Deadlines()
    const answered = deadlines.wait(sleep(5, 'answer'), within(1000), late)
    const begun = performance.now()
    const lost = [10, 10, 25].map((ms) =>
      deadlines.wait(never, begun + ms, late).catch(() => performance.now()),
    )
    const ends = await Promise.all(lost)
    expect(ends.map((end, index) => end - begun >= (index < 2 ? 10 : 25))).toEqual([true, true, true])
    expect(await answered).toBe('answer')
  })

  it('takes no notice of work that ends after it was given up', async () => {
    const deadlines = new Deadlines()
    const failing = sleep(20).then(() => Promise.reject(new Error('too late')))
    await expect(deadlines.wait(failing, within(5), late)).rejects.toThrow('late')
    await failing.catch(() => undefined)
    expect(await deadlines.wait(Promise.resolve('next'), within(1000), late)).toBe('next')
  })

  it('gives up all who still wait also after work has ended that was given up before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      const deadlines = new Deadlines()
      const given: string[] = []
      const { promise, resolve } = withResolvers()
      for (const [name, work, ms] of [
        ['first', promise, 5],
        ['second', never, 60],
        ['third', never, 61],
        ['fourth', never, 62],
      ] as const)
        deadlines.wait(work, within(ms), late).catch(() => void given.push(name))
      await vi.advanceTimersByTimeAsync(5)
      expect(given).toEqual(['first'])
      resolve()
      await vi.advanceTimersByTimeAsync(57)
      expect(given).toEqual(['first', 'second', 'third', 'fourth'])
    } finally {
      vi.useRealTimers()
    }
  })

  it('keeps a process alive only as long as somebody waits', async () => {
    const before = timers()
    const deadlines = new Deadlines()
    for (const end of ['answer', 'fail', 'answer'] as const) {
      const { promise, resolve: answer, reject: fail } = withResolvers()
      const waiting = deadlines.wait(promise, within(60_000), late)
      expect(timers()).toBe(before + 1)
      if (end === 'answer') answer()
      else fail(new Error('failed'))
      await waiting.catch(() => undefined)
      expect(timers()).toBe(before)
    }
  })

  it('sets its timer anew once nobody has waited: one that was set under fake timers never goes off', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const deadlines = new Deadlines()
    try {
      await deadlines.wait(Promise.resolve(), within(60_000), late)
    } finally {
      vi.useRealTimers()
    }
    await expect(deadlines.wait(never, within(5), late)).rejects.toThrow('late')
  })

  it('gives each request a timer of its own where the runtime keeps requests apart', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const clear = vi.spyOn(globalThis, 'clearTimeout')
    try {
      const before = timers()
      const deadlines = new Deadlines()
      const answers: (() => void)[] = []
      const waits = [1, 2].map(() =>
        deadlines.wait(new Promise<void>((resolve) => answers.push(resolve)), within(60_000), late),
      )
      expect(timers()).toBe(before + 2)
      clear.mockClear()
      for (const answer of answers) answer()
      await Promise.all(waits)
      expect(timers()).toBe(before)
      expect(clear).toHaveBeenCalledTimes(2)
    } finally {
      clear.mockRestore()
      vi.unstubAllGlobals()
    }
  })
})
