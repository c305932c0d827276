import { describe, expect, it } from 'vitest'
import { Bag, type Member } from '../../../src/internal/bag.ts'

describe('Bag', () => {
  it('gives each member back once, and keeps the others', () => {
    const bag = new Bag<Member>()
    const members = Array.from({ length: 5 }, (): Member => ({ place: -1 }))
    const [first, second, third, fourth, fifth] = members as [Member, Member, Member, Member, Member] // five
    for (const member of members) bag.add(member)
    expect(new Set(bag.members)).toEqual(new Set(members))
    for (const [member, left] of [
      [second, [first, third, fourth, fifth]],
      [fifth, [first, third, fourth]],
      [first, [third, fourth]],
      [fourth, [third]],
      [third, []],
    ] as const) {
      expect(bag.remove(member)).toBe(true)
      expect(bag.remove(member)).toBe(false)
      expect(new Set(bag.members)).toEqual(new Set(left))
      expect(bag.members).toHaveLength(left.length)
    }
    bag.add(first)
    expect(bag.members).toEqual([first])
  })
})
