import { MemoryStore } from 'coatcheck/stores/memory'
import { storeContract, storeRaces } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'

describe('MemoryStore', () => {
  for (const { name, run } of storeContract) {
    it(name, async () => run(new MemoryStore()))
  }
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
