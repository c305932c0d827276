import { MemoryStore } from 'coatcheck/stores/memory'
import { storeContract, storeRaces } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'

describe('MemoryStore', () => {
  it.each(storeContract)('$name', async ({ run }) => {
    await run(new MemoryStore())
  })
})

describe('storeContract', () => {
  it('names each of its cases once', () => {
    const names = storeContract.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('holds every race', () => {
    const names = storeContract.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(storeRaces.map(({ name }) => name)))
  })
})
