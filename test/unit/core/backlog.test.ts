import { afterEach, describe, expect, it, vi } from 'vitest'
import { Backlog } from '../../../src/internal/backlog.ts'

describe('Backlog', () => {
  afterEach(() => void vi.unstubAllGlobals())

  it('watches a server also where a timer is a number, as on Workers with an older compatibility date', () => {
    vi.stubGlobal('setTimeout', () => 1)
    const backlog = new Backlog()
    expect(() => {
      for (let waiting = 0; waiting < 5000; waiting++) backlog.enter()
    }).not.toThrow()
  })
})
