import { fakeClock } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'

describe('fakeClock', () => {
  it('starts at the beginning of 2026 and stands still', () => {
    const clock = fakeClock()
    expect(new Date(clock()).toISOString()).toBe('2026-01-01T00:00:00.000Z')
    expect(clock()).toBe(clock())
  })

  it('starts at a given date or at epoch milliseconds', () => {
    expect(fakeClock(new Date(1500))()).toBe(1500)
    expect(fakeClock(0)()).toBe(0)
  })

  it('advances by seconds, parts of seconds and back', () => {
    const clock = fakeClock(1000)
    clock.advance(60)
    expect(clock()).toBe(61_000)
    clock.advance(0.001)
    expect(clock()).toBe(61_001)
    clock.advance(-61)
    expect(clock()).toBe(1)
  })

  it('is set to an instant', () => {
    const clock = fakeClock()
    clock.set(new Date(5))
    expect(clock()).toBe(5)
    clock.set(7)
    expect(clock()).toBe(7)
  })

  it('moves no other clock', () => {
    const [clock, other] = [fakeClock(), fakeClock()]
    clock.advance(1)
    expect(other()).toBe(clock() - 1000)
  })
})
