import { describe, expect, it, vi } from 'vitest'
import { Deadlines, type Waiting } from '../../../src/internal/deadlines.ts'

describe('Deadlines', () => {
  it('tells each who waits once, when its time is up, in whatever order they came', async () => {
    const deadlines = new Deadlines()
    const told: number[] = []
    for (const ms of [60, 5, 30]) deadlines.add(until(ms, () => told.push(ms)))
    await vi.waitFor(() => expect(told).toEqual([5, 30, 60]))
  })

  it('tells nobody who was removed, and leaves the others their time', async () => {
    const deadlines = new Deadlines()
    const told: string[] = []
    const [first, second, third] = ['first', 'second', 'third'].map((name) =>
      until(10, () => told.push(name)),
    )
    for (const waiting of [first, second, third]) if (waiting !== undefined) deadlines.add(waiting)
    expect(first && deadlines.remove(first)).toBe(true)
    expect(first && deadlines.remove(first)).toBe(false)
    await vi.waitFor(() => expect(told.toSorted()).toEqual(['second', 'third']))
    expect(third && deadlines.remove(third)).toBe(false)
  })

  it('tells nobody whom another one that was told has removed', async () => {
    const deadlines = new Deadlines()
    const told: string[] = []
    const second = until(5, () => told.push('second'))
    deadlines.add(
      until(5, () => {
        told.push('first')
        deadlines.remove(second)
      }),
    )
    deadlines.add(second)
    deadlines.add(until(40, () => told.push('last')))
    await vi.waitFor(() => expect(told).toContain('last'))
    expect(told).toEqual(['first', 'last'])
  })

  it('keeps a process alive only as long as somebody waits', () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const deadlines = new Deadlines()
    const waiting = until(60_000, () => {})
    for (let round = 0; round < 2; round++) {
      deadlines.add(waiting)
      expect(timers()).toBe(before + 1)
      deadlines.remove(waiting)
      expect(timers()).toBe(before)
    }
  })

  it('stops its timer where the runtime has none that could be told to keep nobody waiting', () => {
    const set = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(7 as never)
    const clear = vi.spyOn(globalThis, 'clearTimeout').mockReturnValue()
    try {
      const deadlines = new Deadlines()
      const waiting = until(60_000, () => {})
      deadlines.add(waiting)
      deadlines.remove(waiting)
      expect(clear).toHaveBeenLastCalledWith(7)
      deadlines.add(waiting)
      expect(set).toHaveBeenCalledTimes(2)
    } finally {
      set.mockRestore()
      clear.mockRestore()
    }
  })
})

function until(ms: number, late: () => void): Waiting {
  return { endsAt: performance.now() + ms, late, place: -1 }
}
