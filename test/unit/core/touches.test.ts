import type { Store } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { aRecord, NOW } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'
import type { StoreCall } from '../../../src/internal/store-guard.ts'
import { Touches } from '../../../src/internal/touches.ts'

const MINUTE = 60_000

describe('Touches', () => {
  const store: Store = new MemoryStore()
  const call: StoreCall = (_operation, _id, run) => run(store)

  it('remember the last 10,000 sessions that were touched, and no more', async () => {
    const touches = new Touches(60, undefined)
    const records = Array.from({ length: 10_000 }, () => aRecord())
    const [first = aRecord(), second = aRecord()] = records
    const now = NOW + MINUTE
    for (const record of [...records, first]) await touches.touch(record, now, call)
    expect(records.filter((record) => touches.isDue(record, now))).toEqual([])
    await touches.touch(aRecord(), now, call)
    expect(records.filter((record) => touches.isDue(record, now))).toEqual([second])
  })

  it('try again at once where the store failed, and tell nobody', async () => {
    const touches = new Touches(60, () => expect.unreachable('there is nothing to tell'))
    const record = aRecord()
    const down = new Error('down')
    await expect(touches.touch(record, NOW + MINUTE, () => Promise.reject(down))).rejects.toBe(down)
    expect(touches.isDue(record, NOW + MINUTE)).toBe(true)
  })
})
