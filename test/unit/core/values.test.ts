import { type Session, ValueError } from 'coatcheck'
import { aRecord } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../src/internal/sha256.ts'
import { START, type Visit, World } from '../manager/world.ts'

type Cart = Record<string, unknown>

/** A request of ada, whose cart has one item, and the world it is in. */
async function withCart(): Promise<{
  world: World
  visit: Visit
  session: Session
  look: () => Promise<object>
}> {
  const world = new World()
  const browser = await world.browserWith('ada', { cart: { items: ['hunter2'] }, n: 1 })
  const visit = await browser.visit()
  world.forget()
  return { world, visit, session: visit.session, look: async () => (await world.look(browser)).values }
}

describe('a value that was set', () => {
  it('is a copy: what its giver does to it afterwards is neither read nor written', async () => {
    const { visit, session, look } = await withCart()
    const cart = { items: ['tea'] }
    session.set('cart', cart)
    cart.items.push('coffee')
    expect(session.get('cart')).toEqual({ items: ['tea'] })
    cart.items.push('milk')
    await visit.answer()
    expect(await look()).toEqual({ cart: { items: ['tea'] }, n: 1 })
  })

  it('and then read and changed in place counts with the change', async () => {
    const { visit, session, look } = await withCart()
    session.set('cart', { items: ['tea'] })
    const cart = session.get('cart') as { items: string[] }
    cart.items.push('coffee')
    await visit.answer()
    expect(await look()).toEqual({ cart: { items: ['tea', 'coffee'] }, n: 1 })
  })
})

describe('a value that was handed out', () => {
  it('and changed in place counts as set', async () => {
    const { world, visit, session, look } = await withCart()
    const cart = session.get('cart') as { items: string[] }
    expect(world.manager.needsRefresh(session)).toBe(false)
    cart.items.push('tea')
    expect(world.manager.needsRefresh(session)).toBe(true)
    await visit.answer()
    expect(world.store.calls).toEqual(['save'])
    expect(await look()).toEqual({ cart: { items: ['hunter2', 'tea'] }, n: 1 })
  })

  it('and changed in place counts as set, whoever is handed it after the change', async () => {
    const { visit, session, look } = await withCart()
    const cart = session.get('cart') as { items: string[] }
    cart.items.push('tea')
    expect(session.get('cart')).toBe(cart)
    await visit.answer()
    expect(await look()).toEqual({ cart: { items: ['hunter2', 'tea'] }, n: 1 })
  })

  it.each([Number.NaN, undefined, () => 1])(
    'and changed in place to what JSON writes as before, or leaves out, is refused: %s',
    async (value) => {
      const world = new World()
      const browser = await world.browserWith('ada', { cart: { n: null } })
      const visit = await browser.visit()
      const cart = visit.session.get('cart') as Record<string, unknown>
      cart[typeof value === 'number' ? 'n' : 'other'] = value
      expect((await visit.answer()).error).toBeInstanceOf(ValueError)
    },
  )

  it('by values() and changed in place counts as set', async () => {
    const { visit, session, look } = await withCart()
    const { cart } = session.values() as { cart: { items: string[] } }
    cart.items.length = 0
    await visit.answer()
    expect(await look()).toEqual({ cart: { items: [] }, n: 1 })
  })

  it('and changed back counts as not changed', async () => {
    const { world, visit, session } = await withCart()
    const cart = session.get('cart') as { items: string[] }
    cart.items.push('tea')
    cart.items.pop()
    expect(world.manager.needsRefresh(session)).toBe(false)
    await visit.answer()
    expect(world.store.calls).toEqual([])
  })

  it('is the same object each time, in this request', async () => {
    const { session } = await withCart()
    expect(session.get('cart')).toBe(session.get('cart'))
    expect(session.values().cart).toBe(session.get('cart'))
  })

  it('writes only its own key, so that a parallel request’s other keys survive (rule 2)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { a: [1], b: [1] })
    const visits = { a: await browser.visit(), b: await browser.visit() }
    for (const [key, { session }] of Object.entries(visits)) {
      session.values()
      ;(session.get(key) as number[]).push(2)
    }
    await visits.a.answer()
    await visits.b.answer()
    expect((await world.look(browser)).values).toEqual({ a: [1, 2], b: [1, 2] })
  })

  it.each(['set', 'delete', 'take', 'clear'] as const)('is no longer followed after %s', async (method) => {
    const { visit, session, look } = await withCart()
    const cart = session.get('cart') as { items: string[] }
    if (method === 'set') session.set('cart', { items: [] })
    else if (method === 'clear') session.clear()
    else session[method]('cart')
    cart.items.push('tea')
    await visit.answer()
    expect(await look()).toMatchObject(method === 'set' ? { cart: { items: [] } } : {})
    expect(JSON.stringify(await look())).not.toContain('tea')
  })

  it('is followed after it was set in this request as well', async () => {
    const { visit, session, look } = await withCart()
    session.set('list', [1])
    ;(session.get('list') as number[]).push(2)
    await visit.answer()
    expect(await look()).toMatchObject({ list: [1, 2] })
  })

  it('of one user is not followed into the session of the next', async () => {
    const { visit, session, world } = await withCart()
    const cart = session.get('cart') as { items: string[] }
    session.setUserId('bob')
    cart.items.push('tea')
    await visit.answer()
    const record = await world.store.peek(session.id, world.now)
    expect(record?.values).toBe('{}')
  })

  it.each([
    ['a bigint', (cart: Cart) => (cart.n = 10n), 'cart.n is a bigint'],
    ['a cycle', (cart: Cart) => (cart.self = cart), 'cart.self refers to an object that it is part of'],
    ['a Date', (cart: Cart) => (cart.at = new Date()), 'cart.at is an instance of Date'],
    ['undefined', (cart: Cart) => (cart.items = undefined), 'cart.items is undefined'],
    [
      'a throwing getter',
      (cart: Cart) => Object.defineProperty(cart, 'x', { enumerable: true, get: fail }),
      'mine',
    ],
  ])(
    'and made %s: needsRefresh is true, refresh rejects, nothing is written',
    async (_name, spoil, message) => {
      const { world, visit, session, look } = await withCart()
      spoil(session.get('cart') as Cart)
      session.set('n', 2)
      expect(world.manager.needsRefresh(session)).toBe(true)
      const { error, cookie } = await visit.answer()
      if (message !== 'mine') expect(error).toBeInstanceOf(ValueError)
      expect(String(error)).toContain(message)
      expect(String(error)).not.toContain('hunter2')
      expect(cookie).toBeUndefined()
      expect(world.store.writes).toEqual([])
      expect(await look()).toEqual({ cart: { items: ['hunter2'] }, n: 1 })
    },
  )

  it('and made invalid is dropped with the rest where the response is a failure', async () => {
    const { world, visit, session } = await withCart()
    ;(session.get('cart') as Cart).n = 10n
    const { error } = await visit.answer(500)
    expect(error).toBeUndefined()
    expect(world.store.writes).toEqual([])
  })

  it('and made invalid does not stand in the way of destroy()', async () => {
    const { world, visit, session } = await withCart()
    ;(session.get('cart') as Cart).n = 10n
    session.destroy()
    const { error, cookie } = await visit.answer()
    expect(error).toBeUndefined()
    expect(cookie?.maxAge).toBe(0)
    expect(world.store.writes).toEqual(['delete'])
  })

  it('in a new session and made invalid rejects too', async () => {
    const world = new World()
    const visit = await world.browser().visit()
    visit.session.setUserId('ada').set('cart', {})
    ;(visit.session.get('cart') as Cart).n = 10n
    expect((await visit.answer()).error).toBeInstanceOf(ValueError)
    expect(world.store.calls).toEqual([])
  })
})

describe('values that another program stored', () => {
  /** What set() would refuse, and every store can hold. */
  const FOREIGN = '{"deep":{"zero":-0,"__proto__":{"admin":true}},"__proto__":{"admin":true},"x":[1e400]}'

  async function foreign(): Promise<{ world: World; visit: Visit }> {
    const world = new World()
    const browser = world.browser()
    const made = await browser.visit()
    made.session.setUserId('ada')
    browser.receive(await made.answer())
    const record = await world.store.peek(made.session.id, world.now)
    await world.store.drop(made.session.id)
    await world.store.plant({ ...aRecord(), ...record, createdAt: START, values: FOREIGN })
    world.forget()
    return { world, visit: await browser.visit() }
  }

  it('are read, change no prototype, and are not written back by reading (R-080, R-038)', async () => {
    const { world, visit } = await foreign()
    const { session } = visit
    const deep = session.get('deep') as Cart
    expect(Object.getPrototypeOf(deep)).toBe(Object.prototype)
    expect(Object.keys(session.values()).sort()).toEqual(['__proto__', 'deep', 'x'])
    expect(({} as Cart).admin).toBeUndefined()
    expect((session.values() as Cart).admin).toBeUndefined()
    expect(session.has('admin')).toBe(false)
    expect(world.manager.needsRefresh(session)).toBe(false)
    await visit.answer()
    expect(world.store.writes).toEqual([])
  })

  it('are refused once this request changes them in place', async () => {
    const { visit } = await foreign()
    ;(visit.session.get('deep') as Cart).more = 1
    expect((await visit.answer()).error).toBeInstanceOf(ValueError)
  })
})

describe('sha256Hex', () => {
  it('is SHA-256 (FIPS 180-4, example B.1) (R-065)', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(sha256Hex(Buffer.from('abc'))).toBe(expected)
  })
})

function fail(): never {
  throw new Error('mine')
}
