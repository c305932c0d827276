import type { Store } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pending } from '../../../src/internal/pending.ts'
import { StoreGuard } from '../../../src/internal/store-guard.ts'

describe('StoreGuard', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('gives all calls of one piece of work one deadline, after which it asks the store no more', async () => {
    const store: Store = new MemoryStore()
    const guard = new StoreGuard({
      store,
      timeout: 5,
      clock: () => 0,
      emit: undefined,
      pending: new Pending(),
    })
    const call = guard.begin()
    await vi.advanceTimersByTimeAsync(4999)
    expect(await call('get', 'x', (asked) => asked.get('x', 0))).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    const ask = vi.fn(() => Promise.resolve('answer'))
    const cause = { message: 'no answer within 5 s' }
    await expect(call('get', 'x', ask)).rejects.toMatchObject({ operation: 'get', cause })
    expect(ask).not.toHaveBeenCalled()
    await expect(guard.begin()('get', 'x', ask)).resolves.toBe('answer')
  })
})
