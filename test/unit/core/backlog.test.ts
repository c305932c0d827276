import { afterEach, describe, expect, it, vi } from 'vitest'
import { Backlog } from '../../../src/internal/backlog.ts'

describe('Backlog', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('watches a server also where a timer is a number, as on Workers with an older compatibility date', () => {
    vi.stubGlobal('setTimeout', () => 1)
    const backlog = new Backlog()
    expect(() => {
      for (let waiting = 0; waiting < 5000; waiting++) backlog.enter()
    }).not.toThrow()
  })

  it('refuses nobody where the runtime keeps requests apart: those that are gone are never answered', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate'] })
    const fill = (backlog: Backlog) => {
      for (let waiting = 0; waiting < 5000; waiting++) backlog.enter()
      vi.advanceTimersByTime(2000)
      backlog.enter()
    }
    expect(() => fill(new Backlog())).toThrow(/the server answers nobody/)
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    expect(() => fill(new Backlog())).not.toThrow()
  })
})
