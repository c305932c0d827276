import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Visit, World } from '../unit/manager/world.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.nat(0xffff).map((c) => String.fromCharCode(c)) }),
)

/** A genuine token with a stroke of the pen. */
function altered(token: string): fc.Arbitrary<string> {
  return fc
    .record({ at: fc.nat(token.length - 1), by: fc.string({ maxLength: 3 }), cut: fc.nat(3) })
    .map(({ at, by, cut }) => token.slice(0, at) + by + token.slice(at + cut))
}

describe('an outsider', () => {
  it('causes no exception and no statement, whatever the headers hold (rules 10 and 12, R-163)', async () => {
    const world = new World()
    const { token = '' } = await world.browserWith('ada', { x: 1 })
    const value = fc.oneof(text, altered(token), fc.constantFrom('', '=', '"', ';', ','))
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 12 }), text, text, async (values, userAgent, address) => {
        fc.pre(!values.some((each) => each.includes(token)))
        world.forget()
        const visit = await world
          .browser(values.join('; __Host-id='))
          .visit({ 'user-agent': userAgent, 'x-forwarded-for': address })
        expect(visit.session.isNew).toBe(true)
        visit.exchange.address = address
        const { error, cookie } = await visit.answer()
        expect(error).toBeUndefined()
        expect(cookie).toBeUndefined()
        expect(world.store.calls).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('can be given a session, and be signed in, whatever the headers hold', async () => {
    const world = new World()
    await fc.assert(
      fc.asyncProperty(text, text, text, async (cookie, userAgent, address) => {
        const browser = world.browser(cookie)
        const visit: Visit = await browser.visit({ 'user-agent': userAgent })
        visit.exchange.address = address
        visit.session.setUserId('ada')
        const answer = await visit.answer()
        expect(answer.error).toBeUndefined()
        browser.receive(answer)
        expect((await world.look(browser)).userId).toBe('ada')
        const record = await world.store.peek(visit.session.id, world.now)
        for (const kept of [record?.address, record?.userAgent]) {
          expect(kept ?? '').not.toMatch(/[\0\p{Surrogate}]/u)
          expect(Buffer.byteLength(kept ?? '')).toBeLessThanOrEqual(512)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('who is given nothing costs no record and no cookie, a thousand times (rule 4, R-019)', async () => {
    const world = new World()
    for (let i = 0; i < 1000; i++) {
      const visit = await world.browser().visit(i % 2 === 0 ? {} : { 'sec-purpose': 'prefetch' })
      visit.session.get('x')
      visit.session.take('x')
      visit.session.values()
      expect(world.manager.needsRefresh(visit.session)).toBe(false)
      expect((await visit.answer()).exchange.cookies).toEqual([])
    }
    expect(world.store.calls).toEqual([])
    expect(world.events).toEqual([])
  })
})
