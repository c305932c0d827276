import { inspect } from 'node:util'
import { runInThisContext } from 'node:vm'
import { type Session, StateError, ValueError } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { type Browser, START, type Visit, World } from '../manager/world.ts'

const DAY = 86_400

/** The columns of the table in design 3.2. Each comes with a session of ada that holds `a` and `b`, but for "new". */
const STATES = {
  new: async (world: World) => world.browser().visit(),
  loaded: async (_world: World, browser: Browser) => browser.visit(),
  'signed in': async (_world: World, browser: Browser) => {
    const visit = await browser.visit()
    visit.session.setUserId('ada')
    return visit
  },
  renewed: async (_world: World, browser: Browser) => {
    const visit = await browser.visit()
    visit.session.renew()
    return visit
  },
  destroyed: async (_world: World, browser: Browser) => {
    const visit = await browser.visit()
    visit.session.destroy()
    return visit
  },
  committed: async (_world: World, browser: Browser) => {
    const visit = await browser.visit()
    visit.session.set('b', 3)
    await visit.answer()
    return visit
  },
  'committed without a change': async (_world: World, browser: Browser) => {
    const visit = await browser.visit()
    await visit.answer()
    return visit
  },
  'destroyed and committed': async (_world: World, browser: Browser) => {
    const visit = await browser.visit()
    visit.session.destroy()
    await visit.answer()
    return visit
  },
  'head sent': async (_world: World, browser: Browser) => {
    const visit = await browser.visit()
    visit.exchange.headSent = true
    return visit
  },
  'destroyed, then head sent': async (_world: World, browser: Browser) => {
    const visit = await browser.visit()
    visit.session.destroy()
    visit.exchange.headSent = true
    return visit
  },
} as const

type State = keyof typeof STATES

/** Opens a world with a session in this state, used an hour after it was stored; calls begin anew. */
async function inState(
  state: State,
): Promise<{ world: World; browser: Browser; visit: Visit; session: Session }> {
  const world = new World()
  const browser = await world.browserWith('ada', { a: [1], b: 2 })
  world.advance(3600)
  const visit = await STATES[state](world, browser)
  world.forget()
  return { world, browser, visit, session: visit.session }
}

const OPEN = ['new', 'loaded', 'signed in', 'renewed'] as const
const CLOSED = [
  'committed',
  'committed without a change',
  'destroyed and committed',
  'head sent',
  'destroyed, then head sent',
] as const

const WRITES = {
  set: (session: Session) => session.set('x', 1),
  delete: (session: Session) => session.delete('b'),
  take: (session: Session) => session.take('b'),
  'take of an absent key': (session: Session) => session.take('absent'),
  clear: (session: Session) => session.clear(),
  setUserId: (session: Session) => session.setUserId('bob'),
  'setUserId(undefined)': (session: Session) => session.setUserId(undefined),
  renew: (session: Session) => session.renew(),
} as const

describe('Session, every cell of its table of states', () => {
  it.each([
    ['new', undefined, false, {}],
    ['loaded', [1], true, { a: [1], b: 2 }],
    ['signed in', [1], true, { a: [1], b: 2 }],
    ['renewed', [1], true, { a: [1], b: 2 }],
    ['destroyed', undefined, false, {}],
    ['committed', [1], true, { a: [1], b: 3 }],
    ['committed without a change', [1], true, { a: [1], b: 2 }],
    ['destroyed and committed', undefined, false, {}],
    ['head sent', [1], true, { a: [1], b: 2 }],
    ['destroyed, then head sent', undefined, false, {}],
  ] as const)('get, has, values; %s', async (state, got, has, values) => {
    const { session } = await inState(state)
    expect(session.get('a')).toEqual(got)
    expect(session.has('a')).toBe(has)
    expect(session.values()).toStrictEqual(values)
    expect(session.get('absent')).toBeUndefined()
    expect(session.has('absent')).toBe(false)
  })

  it.each(OPEN)('get, has, values; %s: what is staged lies over what is stored', async (state) => {
    const { session } = await inState(state)
    session.set('x', { n: 1 }).delete('b').set('a', null)
    expect(session.values()).toEqual({ a: null, x: { n: 1 } })
    expect(session.has('b')).toBe(false)
    expect(session.has('a')).toBe(true)
    expect(session.get('a')).toBeNull()
    session.clear().set('y', 1)
    expect(session.values()).toEqual({ y: 1 })
  })

  it.each(OPEN)('set, delete, clear; %s: stage', async (state) => {
    for (const write of ['set', 'delete', 'clear'] as const) {
      const { world, session } = await inState(state)
      expect(WRITES[write](session)).toBe(session)
      expect(world.manager.needsRefresh(session)).toBe(true)
      expect(world.store.calls).toEqual([])
    }
  })

  it.each(OPEN)('take; %s: stages where there is something to take, else nothing', async (state) => {
    const { world, session } = await inState(state)
    const before = world.manager.needsRefresh(session)
    expect(session.take('absent')).toBeUndefined()
    expect(world.manager.needsRefresh(session)).toBe(before)
    expect(session.take('b')).toBe(state === 'new' ? undefined : 2)
    expect(session.has('b')).toBe(false)
    expect(world.manager.needsRefresh(session)).toBe(state !== 'new')
  })

  it.each(OPEN)('setUserId; %s: stages, and is one commit with what comes after', async (state) => {
    const { world, visit, session } = await inState(state)
    session.setUserId('ada').set('x', 1).setUserId('ada').renew()
    expect(session.userId).toBe('ada')
    await visit.answer()
    expect(world.store.calls).toEqual([state === 'new' ? 'create' : 'save'])
    expect(visit.exchange.cookies).toHaveLength(1)
  })

  it.each([
    ['new', false],
    ['loaded', true],
    ['signed in', true],
    ['renewed', true],
  ] as const)('renew; %s', async (state, needsRefresh) => {
    const { world, session } = await inState(state)
    expect(session.renew()).toBe(session)
    expect(world.manager.needsRefresh(session)).toBe(needsRefresh)
  })

  it('renew; signed in: nothing more than the sign-in', async () => {
    const { world, visit, session } = await inState('signed in')
    session.renew()
    await visit.answer()
    expect(world.store.calls).toEqual(['save'])
    expect(world.told).toEqual(['signed-in'])
  })

  it.each([
    ['new', []],
    ['loaded', ['delete']],
    ['signed in', ['delete']],
    ['renewed', ['delete']],
    ['destroyed', ['delete']],
  ] as const)('destroy; %s: wins over all that is staged', async (state, calls) => {
    const { world, browser, visit, session } = await inState(state)
    if (state !== 'destroyed') session.set('x', 1)
    expect(session.destroy()).toBe(session)
    expect(session.destroy()).toBe(session)
    const { cookie } = await visit.answer()
    expect(world.store.calls).toEqual(calls)
    expect(cookie?.maxAge).toBe(state === 'new' ? undefined : 0)
    if (state !== 'new') expect((await world.look(browser)).isNew).toBe(true)
  })

  it.each(Object.entries(WRITES))('%s; destroyed: StateError', async (name, write) => {
    const { session } = await inState('destroyed')
    expect(() => write(session)).toThrow(StateError)
    const [method = ''] = name.split(/\W/)
    expect(() => write(session)).toThrow(`session.${method}() came after the session was ended`)
  })

  it('update; destroyed: StateError', async () => {
    const { world, session } = await inState('destroyed')
    await expect(session.update('n', () => 1)).rejects.toBeInstanceOf(StateError)
    expect(world.store.calls).toEqual([])
  })

  it.each(CLOSED)('every write; %s: StateError, and nothing is written', async (state) => {
    const { world, visit, session } = await inState(state)
    const late = state.includes('committed')
      ? 'came after the session was committed'
      : 'came after the head of the response had gone'
    for (const [name, write] of Object.entries({ ...WRITES, destroy: (each: Session) => each.destroy() })) {
      expect(() => write(session), name).toThrow(StateError)
      expect(() => write(session)).toThrow(`session.${name.split(/\W/)[0]}() ${late}`)
    }
    const updated = session.update('n', () => 1)
    await expect(updated).rejects.toBeInstanceOf(StateError)
    await expect(updated).rejects.toThrow(`session.update() ${late}`)
    expect(world.manager.needsRefresh(session)).toBe(false)
    await visit.answer()
    expect(world.store.writes.filter((operation) => operation !== 'touch')).toEqual([])
  })

  it.each([
    ['new', 'create'],
    ['loaded', 'save'],
    ['signed in', 'save'],
    ['renewed', 'save'],
  ] as const)('update; %s', async (state, statement) => {
    const { world, visit, session } = await inState(state)
    const value = session.update('n', (old) => Number(old ?? 40) + 2)
    expect(await value).toBe(42)
    expect(session.get('n')).toBe(42)
    expect(world.store.calls).toEqual(state === 'new' ? [] : [statement])
    await visit.answer()
    expect(world.store.writes).toContain(statement)
  })

  it.each([
    ['a change of user', (session: Session) => session.setUserId('bob')],
    ['signing out', (session: Session) => session.setUserId(undefined)],
    ['clear()', (session: Session) => session.clear()],
    ['set() of the key', (session: Session) => session.set('b', 40)],
    ['delete() of the key', (session: Session) => session.delete('b')],
    ['take() of the key', (session: Session) => session.take('b')],
  ] as const)('update; after %s: in memory, and committed with it', async (_name, stage) => {
    const { world, browser, visit, session } = await inState('loaded')
    stage(session)
    const old = session.get('b')
    expect(await session.update('b', (now) => [now ?? null])).toEqual([old ?? null])
    expect(world.store.calls).toEqual([])
    const answer = await visit.answer()
    browser.receive(answer)
    expect((await world.look(browser)).values).toMatchObject({ b: [old ?? null] })
  })

  it.each(['a key', undefined] as const)(
    'update; new: deletes what is staged, and stages nothing where there is nothing to delete; %s',
    async (value) => {
      const { world, session } = await inState('new')
      if (value !== undefined) session.set('x', value)
      expect(await session.update('x', (old) => void expect(old).toBe(value))).toBeUndefined()
      expect(session.has('x')).toBe(false)
      expect(world.manager.needsRefresh(session)).toBe(value !== undefined)
    },
  )

  it('update; after a change in place of the key: in memory', async () => {
    const { world, session } = await inState('loaded')
    const a = session.get('a') as number[]
    a.push(2)
    expect(await session.update('a', (old) => [...(old as number[]), 3])).toEqual([1, 2, 3])
    expect(world.store.calls).toEqual([])
  })

  it('update; after other keys were staged: at once', async () => {
    const { world, session } = await inState('loaded')
    session.set('x', 1).delete('a')
    await session.update('b', () => 3)
    expect(world.store.calls).toEqual(['save'])
  })

  it('update; after a sign-in from nobody: in memory', async () => {
    const world = new World()
    const browser = await world.browserWith(undefined, { n: 1 })
    const { session } = await browser.visit()
    session.setUserId('ada')
    expect(await session.update('n', (old) => Number(old) + 1)).toBe(2)
    expect(world.store.writes).toEqual([])
  })

  it.each([
    // Stored at START, used an hour later.
    ['new', START + (3600 + DAY) * 1000],
    ['loaded', START + DAY * 1000],
    ['signed in', START + (3600 + DAY) * 1000],
    ['renewed', START + (3600 + DAY) * 1000],
    ['destroyed', START + DAY * 1000],
    ['committed', START + (3600 + DAY) * 1000],
    ['committed without a change', START + (3600 + DAY) * 1000],
    ['head sent', START + DAY * 1000],
  ] as const)('expiresAt; %s', async (state, expected) => {
    const { session } = await inState(state)
    expect(session.expiresAt).toEqual(new Date(expected))
  })

  it('expiresAt; after a change of user: projected', async () => {
    const { session } = await inState('loaded')
    session.setUserId('bob', { idleTimeout: 60 })
    expect(session.expiresAt).toEqual(new Date(START + (3600 + 60) * 1000))
  })

  it('expiresAt; signed in, then destroyed: unchanged', async () => {
    const { session } = await inState('signed in')
    session.destroy()
    expect(session.expiresAt).toEqual(new Date(START + DAY * 1000))
  })

  it.each([
    ['new', [], undefined],
    ['loaded', ['touch'], undefined],
    ['signed in', ['save'], 'a cookie'],
    ['renewed', ['save'], 'a cookie'],
    ['destroyed', ['delete'], 'a deletion'],
    ['committed', [], 'a cookie that went before'],
    ['destroyed and committed', [], 'a deletion'],
    ['destroyed, then head sent', ['touch'], undefined],
  ] as const)('refresh; %s', async (state, calls, _cookie) => {
    const { world, visit } = await inState(state)
    const sent = visit.exchange.cookies.length
    const { error } = await visit.answer()
    expect(error).toBeUndefined()
    expect(world.store.calls).toEqual(calls)
    const after = visit.exchange.cookies
      .slice(sent)
      .map(({ maxAge }) => (maxAge === 0 ? 'a deletion' : 'a cookie'))
    expect(after).toEqual(calls[0] === 'save' ? ['a cookie'] : calls[0] === 'delete' ? ['a deletion'] : [])
  })

  it('refresh; new, with something set: create and cookie', async () => {
    const { world, visit, session } = await inState('new')
    session.set('x', 1)
    const { cookie } = await visit.answer()
    expect(world.store.calls).toEqual(['create'])
    expect(cookie?.maxAge).toBeUndefined()
    expect(cookie?.value).toMatch(/^[\w-]{80,256}$/)
  })
})

describe('Session', () => {
  it.each(['cart', 'foo', Symbol('x')])(
    'refuses an assignment to %s with a message that says set (R-077)',
    async (property) => {
      const { session } = await inState('loaded')
      const assign = () => Object.assign(session, { [property]: 1 })
      expect(assign).toThrow(StateError)
      expect(assign).toThrow('session.set(')
      expect(Reflect.ownKeys(session)).toEqual([])
    },
  )

  it('refuses req.session.cart = 1 in a program that is not strict as well', async () => {
    const { session } = await inState('loaded')
    const sloppy = runInThisContext('(session) => { session.cart = 1 }') as (session: Session) => void // as it reads
    expect(() => sloppy(session)).toThrow(StateError)
    expect(() => Object.defineProperty(session, 'cart', { value: 1 })).toThrow(TypeError)
  })

  it('never names the value in that message', async () => {
    const { session } = await inState('loaded')
    expect(() => Object.assign(session, { cart: 'hunter2' })).not.toThrow('hunter2')
  })

  it.each(OPEN)('shows no value in JSON.stringify and util.inspect; %s (rule 9)', async (state) => {
    const { session } = await inState(state)
    session.set('secretOfMine', 'hunter2')
    for (const text of [JSON.stringify(session), inspect(session, { depth: null, showHidden: true })]) {
      expect(text).toContain(session.id)
      expect(text).not.toMatch(/hunter2|secretOfMine/)
    }
    expect(inspect(session, { depth: null, showHidden: true, customInspect: false })).not.toMatch(/hunter2/)
  })

  it('tells its facts before and after its commit', async () => {
    const { world, session } = await inState('loaded')
    expect(session.userId).toBe('ada')
    expect(session.createdAt).toEqual(new Date(START))
    expect(session.signedInAt).toEqual(new Date(START))
    expect(session.lastSeenAt).toEqual(new Date(START))
    expect(session.isNew).toBe(false)
    const fresh = await world.browser().visit()
    expect(fresh.session.isNew).toBe(true)
    expect(fresh.session.userId).toBeUndefined()
    expect(fresh.session.signedInAt).toBeUndefined()
    expect(fresh.session.createdAt).toEqual(new Date(START + 3_600_000))
    fresh.session.set('x', 1)
    await fresh.answer()
    expect(fresh.session.isNew).toBe(false)
  })

  it('hands out instants that are the caller’s own', async () => {
    const { session } = await inState('loaded')
    session.createdAt.setTime(0)
    session.expiresAt.setTime(0)
    session.lastSeenAt.setTime(0)
    session.signedInAt?.setTime(0)
    expect(session.createdAt).toEqual(new Date(START))
    expect(session.signedInAt).toEqual(new Date(START))
    expect(session.lastSeenAt).toEqual(new Date(START))
  })

  it.each(['__proto__', 'a\0', '\ud800'])(
    'refuses the key %j in every write, and finds nothing under it',
    async (key) => {
      const { world, session } = await inState('loaded')
      expect(() => session.set(key, 1)).toThrow(ValueError)
      expect(() => session.delete(key)).toThrow(ValueError)
      await expect(session.update(key, () => 1)).rejects.toBeInstanceOf(ValueError)
      expect(session.get(key)).toBeUndefined()
      expect(session.take(key)).toBeUndefined()
      expect(session.has(key)).toBe(false)
      expect(world.store.calls).toEqual([])
    },
  )

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'has no value under %s before one is set',
    async (key) => {
      const { session } = await inState('loaded')
      expect(session.has(key)).toBe(false)
      expect(session.get(key)).toBeUndefined()
      session.set(key, 1)
      expect(session.get(key)).toBe(1)
    },
  )
})
