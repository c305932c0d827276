import { describe, expect, it } from 'vitest'
import { START, World } from './world.ts'

describe('a session’s end', () => {
  it.each([
    ['idle', { idleTimeout: 100, absoluteTimeout: 1000 }, 100],
    ['absolute', { idleTimeout: 100, absoluteTimeout: 100 }, 100],
    ['its default', {}, 86_400],
  ])('by %s comes at its instant, not before (rule 8, R-008, R-206)', async (_name, options, end) => {
    const world = new World(options)
    const browser = await world.browserWith('ada')
    world.now = START + end * 1000 - 1
    expect((await world.look(browser)).userId).toBe('ada')
    world.now += 1
    expect((await world.look(browser)).userId).toBeUndefined()
    expect(world.store.calls.includes('cleanup')).toBe(false)
  })

  it('comes at the absolute end, however busy it is (rule 8, R-009)', async () => {
    const world = new World({ idleTimeout: 100, absoluteTimeout: 1000 })
    const browser = await world.browserWith('ada')
    for (let age = 50; age < 1000; age += 50) {
      world.now = START + age * 1000
      await browser.ask((session) => session.set('age', age).renew())
      expect((await world.look(browser)).userId).toBe('ada')
    }
    world.now = START + 1_000_000 - 1
    expect((await world.look(browser)).userId).toBe('ada')
    world.now += 1
    expect((await world.look(browser)).userId).toBeUndefined()
  })

  it('at the absolute end is the record’s, also where no token is asked (rule 8, R-107)', async () => {
    const world = new World({ idleTimeout: 100, absoluteTimeout: 150 })
    const browser = await world.browserWith('ada')
    const { id } = await world.look(browser)
    world.advance(90)
    await browser.ask((session) => expect(session.userId).toBe('ada'))
    world.now = START + 150_000 - 1
    expect(await world.manager.find(id)).toMatchObject({ expiresAt: new Date(START + 150_000) })
    world.now += 1
    expect(await world.manager.find(id)).toBeUndefined()
    expect(await world.manager.listSessions('ada')).toEqual([])
    expect(await world.manager.touch(id)).toBe(false)
  })

  it('by idle time is moved by each use that is written (R-199)', async () => {
    const world = new World({ idleTimeout: 100, absoluteTimeout: 1000 })
    const browser = await world.browserWith('ada')
    for (let i = 0; i < 8; i++) {
      world.advance(99)
      await browser.ask((session) => expect(session.userId).toBe('ada'))
    }
    world.advance(100)
    expect((await world.look(browser)).userId).toBeUndefined()
  })

  it('is refused by the token alone past its absolute end, without asking the store (rule 10)', async () => {
    const world = new World({ idleTimeout: 100, absoluteTimeout: 100 })
    const browser = await world.browserWith('ada')
    world.advance(100)
    await browser.visit()
    expect(world.store.calls).toEqual([])
    expect(world.events).toMatchObject([{ type: 'rejected', reason: 'expired' }])
  })

  it('is not brought nearer by a slow request that renews, beside others that used the session (rule 8)', async () => {
    const world = new World({ idleTimeout: 100, absoluteTimeout: 1000 })
    const browser = await world.browserWith('ada')
    const slow = await browser.visit()
    for (let i = 0; i < 4; i++) {
      world.advance(50)
      await browser.ask((session) => expect(session.userId).toBe('ada'))
    }
    slow.session.renew()
    browser.receive(await slow.answer())
    expect(slow.session.expiresAt).toEqual(new Date(world.now + 100_000))
    world.advance(99)
    expect((await world.look(browser)).userId).toBe('ada')
  })

  it('is counted from the sign-in’s answer, also where its request took longer than the idle timeout', async () => {
    const world = new World({ idleTimeout: 100, absoluteTimeout: 1000 })
    const browser = world.browser()
    const slow = await browser.visit()
    world.advance(100)
    slow.session.setUserId('ada')
    browser.receive(await slow.answer())
    expect((await world.look(browser)).userId).toBe('ada')
  })

  it('turns a commit after it into a ConflictError', async () => {
    const world = new World({ idleTimeout: 100 })
    const browser = await world.browserWith('ada')
    world.advance(99)
    const visit = await browser.visit()
    visit.session.set('x', 1)
    world.advance(1)
    expect((await visit.answer()).error).toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
  })

  it('is as the record says, whatever the manager’s options became', async () => {
    const world = new World({ idleTimeout: 100, absoluteTimeout: 1000 })
    const browser = await world.browserWith('ada')
    const other = new World({ store: world.store, idleTimeout: 10, clock: () => world.now })
    world.advance(99)
    await other.browser(browser.token).ask((session) => expect(session.userId).toBe('ada'))
    world.advance(99)
    expect((await other.look(other.browser(browser.token))).userId).toBe('ada')
  })
})

describe('touching', () => {
  it('writes once for ten reads in one touch interval, and none before (rule 3)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { x: 1 })
    world.now = START + 60_000 - 1
    for (let i = 0; i < 10; i++) await browser.ask((session) => session.get('x'))
    expect(world.store.writes).toEqual([])
    world.now += 1
    for (let i = 0; i < 10; i++) {
      await browser.ask((session) => session.get('x'))
      world.advance(5)
    }
    expect(world.store.writes).toEqual(['touch'])
    world.now = START + 120_000
    await browser.ask((session) => session.get('x'))
    expect(world.store.writes).toEqual(['touch', 'touch'])
  })

  it('writes once for twenty parallel reads', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { x: 1 })
    world.advance(3600)
    const visits = await Promise.all(Array.from({ length: 20 }, () => browser.visit()))
    await Promise.all(visits.map((visit) => visit.answer()))
    expect(world.store.writes).toEqual(['touch'])
  })

  it.each([
    [{ idleTimeout: 100 }, 10],
    [{ idleTimeout: 600 }, 60],
    [{ idleTimeout: 100_000, absoluteTimeout: 200_000 }, 60],
  ])('of a record with %o is due after %i s', async (options, interval) => {
    const world = new World()
    const browser = world.browser()
    await browser.ask((session) => session.setUserId('ada', options))
    world.forget()
    world.now = START + interval * 1000 - 1
    await browser.ask((session) => session.userId)
    expect(world.store.writes).toEqual([])
    world.now += 1
    await browser.ask((session) => session.userId)
    expect(world.store.writes).toEqual(['touch'])
  })

  it('moves the last-seen time and the idle end, and nothing else', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { x: 1 })
    const { id } = await world.look(browser)
    const before = await world.store.peek(id, world.now)
    world.advance(3600)
    await browser.ask((session) => session.get('x'))
    expect(await world.store.peek(id, world.now)).toEqual({
      ...before,
      lastSeenAt: world.now,
      expiresAt: world.now + 86_400_000,
    })
  })

  it('is not due after a write, which moves both as well', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { x: 1 })
    world.advance(3600)
    await browser.ask((session) => session.set('x', 2))
    await browser.ask((session) => session.get('x'))
    expect(world.store.writes).toEqual(['save'])
    const { session } = await browser.visit()
    expect(session.lastSeenAt).toEqual(new Date(world.now))
    expect(session.expiresAt).toEqual(new Date(world.now + 86_400_000))
  })

  it('never lowers an end: a server whose clock is behind changes nothing', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { x: 1 })
    const { id } = await world.look(browser)
    world.advance(7200)
    await browser.ask((session) => session.get('x'))
    const ahead = await world.store.peek(id, world.now)
    world.advance(-3600)
    await browser.ask((session) => session.get('x'))
    await browser.ask((session) => session.set('y', 1))
    expect(await world.store.peek(id, world.now)).toMatchObject({
      lastSeenAt: ahead?.lastSeenAt,
      expiresAt: ahead?.expiresAt,
    })
  })

  it('survives a clock that jumps ahead and back', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { x: 1 })
    world.advance(43_200)
    await browser.ask((session) => session.get('x'))
    world.advance(-43_200)
    for (let hour = 0; hour < 48; hour++) {
      world.advance(3600)
      await browser.ask((session) => expect(session.userId).toBe('ada'))
    }
  })

  it('does not count a look into the list as activity (R-200)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const { id } = await world.look(browser)
    world.advance(3600)
    await world.manager.listSessions('ada')
    await world.manager.find(id)
    expect(world.store.writes).toEqual([])
  })
})

describe('SessionManager.touch', () => {
  it('writes at most once in a touch interval, and says whether the session lives', async () => {
    const world = new World()
    const { id } = await world.look(await world.browserWith('ada'))
    world.forget()
    expect(await world.manager.touch(id)).toBe(true)
    expect(world.store.calls).toEqual(['get'])
    world.advance(60)
    expect(await world.manager.touch(id)).toBe(true)
    expect(await world.manager.touch(id)).toBe(true)
    expect(world.store.writes).toEqual(['touch'])
    world.advance(86_400)
    expect(await world.manager.touch(id)).toBe(false)
    expect(world.store.writes).toEqual(['touch'])
  })

  it('keeps a session alive for as long as it is called', async () => {
    const world = new World({ idleTimeout: 100 })
    const browser = await world.browserWith('ada')
    const { id } = await world.look(browser)
    for (let i = 0; i < 10; i++) {
      world.advance(50)
      expect(await world.manager.touch(id)).toBe(true)
    }
    expect((await world.look(browser)).userId).toBe('ada')
  })

  it('is true for a session that is renewed meanwhile, false for one that ends meanwhile', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const { id } = await world.look(browser)
    for (const [end, expected] of [
      [() => browser.ask((session) => session.renew()), true],
      [() => world.store.drop(id), false],
    ] as const) {
      world.advance(60)
      world.store.before = async (operation) => {
        if (operation !== 'touch') return
        world.store.before = () => undefined
        await end()
      }
      world.forget()
      expect(await world.manager.touch(id)).toBe(expected)
      expect(world.told).not.toContain('touched')
    }
  })

  it('leaves a session that ended meanwhile as its request found it', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    world.advance(60)
    const visit = await browser.visit()
    const { expiresAt } = visit.session
    await world.store.drop(visit.session.id)
    await visit.answer()
    expect(world.store.writes).toContain('touch')
    expect(visit.session.expiresAt).toEqual(expiresAt)
  })

  it('is written down where nobody is told of it', async () => {
    const world = new World({ onEvent: undefined })
    const { id } = await world.look(await world.browserWith('ada'))
    world.advance(60)
    expect(await world.manager.touch(id)).toBe(true)
    expect((await world.store.peek(id, world.now))?.lastSeenAt).toBe(world.now)
  })

  it.each([
    '',
    'x',
    'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    'xa0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\n',
    ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    7,
    undefined,
    '__proto__',
  ])('answers %j with false, without asking the store', async (id) => {
    const world = new World()
    expect(await world.manager.touch(id as string)).toBe(false) // on purpose
    expect(world.store.calls).toEqual([])
  })
})
