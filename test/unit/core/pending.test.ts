import { afterEach, describe, expect, it, vi } from 'vitest'
import { Pending } from '../../../src/internal/pending.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('Pending', () => {
  afterEach(() => void vi.unstubAllGlobals())

  it('settles once nothing is under way, work included that begins meanwhile and work that fails', async () => {
    const pending = new Pending()
    await pending.settle()
    let isSettled = false
    const ends: (() => void)[] = []
    const begin = () => void pending.add(new Promise<void>((resolve) => ends.push(resolve)))
    begin()
    const settling = pending.settle().then(() => (isSettled = true))
    begin()
    const failing = pending.add(Promise.reject(new Error('mine')))
    await expect(failing).rejects.toThrow('mine')
    for (const end of ends) {
      await turn()
      expect(isSettled).toBe(false)
      end()
    }
    await settling
  })

  it('waits for nothing where the runtime keeps requests apart: work whose request is gone is never over', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const pending = new Pending()
    pending.begin()
    await expect(pending.settle()).resolves.toBeUndefined()
  })
})
