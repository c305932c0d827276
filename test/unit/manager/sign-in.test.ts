import { type Session, StoreError, ValueError } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { START, World } from './world.ts'

const DAY = 86_400
const MONTH = 30 * DAY

const user = (name: string): string | undefined => (name === '-' ? undefined : name)

/** Every series of up to three calls of setUserId, each as a word: who was signed in, then each call. */
function allSeries(): string[][] {
  const names = ['-', 'a', 'b']
  const one = names.map((name) => [name])
  const longer = (series: string[][]) => series.flatMap((calls) => names.map((name) => [...calls, name]))
  const two = longer(one)
  return [...two, ...longer(two), ...longer(longer(two))]
}

/** What design 3.2 says of a series: whether the record stays, and what the session then holds. */
function expectation([before = '-', ...calls]: string[]) {
  let current = before
  let staysSame = true
  let signedIn = false
  const kept = new Set(['stored', 'x0'])
  calls.forEach((name, i) => {
    if (name === '-' ? current !== '-' : current !== '-' && current !== name) {
      staysSame = false
      signedIn = false
      kept.clear()
    }
    if (name !== '-') signedIn = true
    current = name
    kept.add(`x${i + 1}`)
  })
  return { userId: user(current), staysSame, signedIn, keys: [...kept].sort() }
}

describe('Session.setUserId', () => {
  it.each(allSeries().map((series) => [series.join(' → '), series] as const))('%s', async (_name, series) => {
    const world = new World()
    const [before = '-', ...calls] = series
    const browser = await world.browserWith(user(before), { stored: 1 })
    const old = browser.token
    const { id } = await world.look(browser)
    world.advance(10)
    const visit = await browser.visit()
    world.forget()
    visit.session.set('x0', 1)
    calls.forEach((name, i) => void visit.session.setUserId(user(name)).set(`x${i + 1}`, 1))

    const expected = expectation(series)
    const { session } = visit
    expect(session.userId).toBe(expected.userId)
    expect(Object.keys(session.values()).sort()).toEqual(expected.keys)
    expect(session.id === id).toBe(expected.staysSame)
    expect(session.isNew).toBe(!expected.staysSame)
    expect(session.createdAt).toEqual(new Date(expected.staysSame ? START : START + 10_000))
    const { cookie } = await visit.answer()
    expect(world.store.calls).toEqual(expected.staysSame ? ['save'] : ['delete', 'create'])
    expect(cookie !== undefined).toBe(expected.signedIn || !expected.staysSame)

    browser.receive({ cookie })
    const after = await world.look(browser)
    expect(after).toMatchObject({ id: session.id, userId: expected.userId, isNew: false })
    expect(Object.keys(after.values).sort()).toEqual(expected.keys)
    const replayed = await world.look(world.browser(old))
    expect(replayed.isNew).toBe(expected.signedIn || !expected.staysSame)
  })

  it('ends the old secret and keeps id, createdAt and values where somebody signs in (rule 6, R-007, R-202, R-168)', async () => {
    const world = new World()
    const browser = await world.browserWith(undefined, { cart: [1] })
    const before = browser.copy()
    const anonymous = await world.look(browser)
    await browser.ask((session) => session.setUserId('ada'))
    expect(await world.look(browser)).toEqual({ ...anonymous, userId: 'ada' })
    expect(browser.token).not.toBe(before.token)
    expect((await world.look(before)).isNew).toBe(true)
    world.advance(31)
    expect((await world.look(before)).isNew).toBe(true)
  })

  it('ends the old secret where the same user signs in again, and moves signedInAt (R-007, R-015, R-217)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { cart: [1] })
    const before = browser.copy()
    world.advance(100)
    await browser.ask((session) => session.setUserId('ada'))
    const { session } = await browser.visit()
    expect(session.signedInAt).toEqual(new Date(START + 100_000))
    expect(session.createdAt).toEqual(new Date(START))
    expect((await world.look(before)).isNew).toBe(true)
  })

  it('leaves when and from where the user signed in as it was where the session is renewed', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const [before] = await world.manager.listSessions('ada')
    world.advance(100)
    const visit = await browser.visit({ 'user-agent': 'Other/2' })
    visit.exchange.address = '198.51.100.9'
    visit.session.renew()
    await visit.answer()
    const [after] = await world.manager.listSessions('ada')
    expect(after).toEqual({
      ...before,
      lastSeenAt: new Date(world.now),
      expiresAt: new Date(world.now + DAY * 1000),
    })
  })

  it('begins the absolute end anew with each sign-in, and with nothing else (rule 8, R-009)', async () => {
    const world = new World({ idleTimeout: 1000, absoluteTimeout: 1000 })
    const browser = world.browser()
    await browser.ask((session) => session.set('x', 1))
    const end = async () => ((await browser.visit()).session.expiresAt.getTime() - START) / 1000
    expect(await end()).toBe(1000)
    for (const change of [
      (session: Session) => session.get('x'),
      (session: Session) => session.set('x', 2),
      (session: Session) => session.update('x', () => 3),
      (session: Session) => session.renew(),
    ]) {
      world.advance(100)
      await browser.ask(change)
      expect(await end()).toBe(1000)
    }
    world.advance(100)
    await browser.ask((session) => session.setUserId('ada'))
    expect(await end()).toBe(1500)
    world.advance(100)
    await browser.ask((session) => session.setUserId('ada'))
    expect(await end()).toBe(1600)
  })

  it('is one create for a browser that has no session', async () => {
    const world = new World()
    const browser = world.browser()
    await browser.ask((session) => session.setUserId('ada').set('x', 1))
    expect(world.store.calls).toEqual(['create'])
    expect(await world.look(browser)).toMatchObject({ userId: 'ada', values: { x: 1 } })
  })

  it.each(['delete', 'create'] as const)(
    'answers a change of user whose %s fails with StoreError and no cookie (rule 3)',
    async (failing) => {
      const world = new World()
      const browser = await world.browserWith('ada', { x: 1 })
      const visit = await browser.visit()
      visit.session.setUserId('bob')
      world.store.before = (operation) => {
        if (operation === failing) throw new Error('down')
      }
      const { error, cookie } = await visit.answer()
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ operation: failing, status: 503 })
      expect(cookie).toBeUndefined()
      world.store.before = () => undefined
      const { userId } = await world.look(browser)
      expect(userId).toBe(failing === 'delete' ? 'ada' : undefined)
    },
  )

  it('is a StoreError where the new id is taken', async () => {
    const world = new World()
    const visit = await world.browser().visit()
    visit.session.setUserId('ada')
    await world.browserWith('bob')
    const [taken] = await world.manager.listSessions('bob')
    const record = await world.store.peek(taken?.id ?? '', world.now)
    if (record !== undefined) await world.store.plant({ ...record, id: visit.session.id })
    const { error, cookie } = await visit.answer()
    expect(error).toBeInstanceOf(StoreError)
    expect(cookie).toBeUndefined()
  })
})

describe('Session.setUserId, its options', () => {
  const endsOf = async (world: World, id: string) => {
    const record = await world.store.peek(id, world.now)
    return {
      idleTimeout: record?.idleTimeout,
      absolute: ((record?.absoluteEnd ?? 0) - world.now) / 1000,
      persistent: record?.persistent,
    }
  }

  it('are the manager’s where none is given', async () => {
    const world = new World()
    const browser = world.browser()
    const none = { idleTimeout: undefined, absoluteTimeout: undefined, persistent: undefined }
    for (const options of [undefined, {}, none]) {
      const { cookie } = await browser.ask((session) => session.setUserId('ada', options))
      const { id } = await world.look(browser)
      expect(await endsOf(world, id)).toEqual({ idleTimeout: DAY, absolute: MONTH, persistent: false })
      expect(cookie?.maxAge).toBeUndefined()
    }
  })

  it('are the manager’s for who signs in to a session that nobody began under others', async () => {
    const before = new World({ idleTimeout: 60, absoluteTimeout: 90, cookie: { persistent: true } })
    const { token } = await before.browserWith(undefined, { x: 1 })
    const world = new World({ store: before.store })
    const browser = world.browser(token)
    await browser.ask((session) => session.setUserId('ada'))
    const { id } = await world.look(browser)
    const record = await before.store.peek(id, world.now)
    expect(record).toMatchObject({ userId: 'ada', idleTimeout: DAY, persistent: false })
    expect(record?.absoluteEnd).toBe(world.now + MONTH * 1000)
  })

  it('are the record’s where the same user signs in again, each by itself', async () => {
    const world = new World()
    const browser = world.browser()
    const remember = { persistent: true, idleTimeout: 7 * DAY, absoluteTimeout: 90 * DAY }
    await browser.ask((session) => session.setUserId('ada', remember))
    const { id } = await world.look(browser)
    world.advance(DAY)
    const { cookie } = await browser.ask((session) => session.setUserId('ada'))
    expect(await endsOf(world, id)).toEqual({ persistent: true, idleTimeout: 7 * DAY, absolute: 90 * DAY })
    expect(cookie?.maxAge).toBe(90 * DAY)
    world.advance(DAY)
    await browser.ask((session) => session.setUserId('ada', { idleTimeout: 60, persistent: undefined }))
    expect(await endsOf(world, id)).toEqual({ persistent: true, idleTimeout: 60, absolute: 90 * DAY })
    const { cookie: last } = await browser.ask((session) => session.setUserId('ada', { persistent: false }))
    expect(await endsOf(world, id)).toEqual({ persistent: false, idleTimeout: 60, absolute: 90 * DAY })
    expect(last?.maxAge).toBeUndefined()
  })

  it('are the manager’s again for another user, and for nobody', async () => {
    const world = new World()
    for (const next of ['bob', undefined]) {
      const browser = world.browser()
      await browser.ask((session) =>
        session.setUserId('ada', { persistent: true, idleTimeout: 60, absoluteTimeout: 90 }),
      )
      const { cookie } = await browser.ask((session) => session.setUserId(next).set('x', 1))
      const { id } = await world.look(browser)
      expect(await endsOf(world, id)).toEqual({ idleTimeout: DAY, absolute: MONTH, persistent: false })
      expect(cookie?.maxAge).toBeUndefined()
    }
  })

  it('are the manager’s for one user who signs out and in again in one request', async () => {
    const world = new World()
    const browser = world.browser()
    await browser.ask((session) => session.setUserId('ada', { persistent: true, idleTimeout: 60 }))
    await browser.ask((session) => session.setUserId(undefined).setUserId('ada'))
    const { id } = await world.look(browser)
    expect(await endsOf(world, id)).toEqual({ idleTimeout: DAY, absolute: MONTH, persistent: false })
  })

  it('are those of the last call that names them, within one request', async () => {
    const world = new World()
    const browser = world.browser()
    await browser.ask((session) =>
      session
        .setUserId('ada', { idleTimeout: 60, persistent: true })
        .setUserId('ada', { absoluteTimeout: 600 }),
    )
    const { id } = await world.look(browser)
    expect(await endsOf(world, id)).toEqual({ idleTimeout: 60, absolute: 600, persistent: true })
  })

  it('cut an idle timeout that is longer than the absolute one', async () => {
    const world = new World()
    const browser = world.browser()
    await browser.ask((session) => session.setUserId('ada', { idleTimeout: 100, absoluteTimeout: 50 }))
    expect(await endsOf(world, (await world.look(browser)).id)).toMatchObject({
      idleTimeout: 50,
      absolute: 50,
    })
    await browser.ask((session) => session.setUserId('bob', { absoluteTimeout: 20 }))
    expect(await endsOf(world, (await world.look(browser)).id)).toMatchObject({
      idleTimeout: 20,
      absolute: 20,
    })
  })

  it.each([
    { idleTimeout: 0 },
    { idleTimeout: -1 },
    { idleTimeout: Number.NaN },
    { idleTimeout: Number.POSITIVE_INFINITY },
    { idleTimeout: 10 ** 12 },
    { idleTimeout: '60' },
    { absoluteTimeout: 0 },
    { absoluteTimeout: null },
    { absoluteTimeout: 60n },
    { persistent: 'yes' },
    { persistent: 1 },
    { maxAge: 60 },
  ])('out of bounds are a ValueError that names the option, and stage nothing: %o', async (options) => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const { session } = await browser.visit()
    for (const userId of ['ada', 'bob', undefined]) {
      const signIn = () => session.setUserId(userId, options as object)
      expect(signIn).toThrow(ValueError)
      expect(signIn).toThrow(Object.keys(options)[0])
    }
    expect(session.userId).toBe('ada')
    expect(world.manager.needsRefresh(session)).toBe(false)
  })

  it.each([null, 'persistent', 60])('that are no object are a ValueError: %o', async (options) => {
    const { session } = await new World().browser().visit()
    const signIn = () => session.setUserId('ada', options as unknown as object) // on purpose
    expect(signIn).toThrow(ValueError)
    expect(signIn).toThrow('the options of setUserId must be an object')
    expect(session.userId).toBeUndefined()
  })

  it('give a persistent cookie no longer than browsers keep one (R-214)', async () => {
    const world = new World({ cookie: { persistent: true }, absoluteTimeout: 400 * DAY + 1 })
    const { cookie } = await world.browser().ask((session) => session.setUserId('ada'))
    expect(cookie?.maxAge).toBe(34_560_000)
    const short = await world.browser().ask((session) => session.setUserId('ada', { absoluteTimeout: 0.5 }))
    expect(short.cookie?.maxAge).toBe(1)
  })
})

describe('a user id', () => {
  it.each([
    ['the empty string', '', 'the user id must have 1 to 255 bytes, not 0'],
    ['256 bytes', 'x'.repeat(256), 'the user id must have 1 to 255 bytes, not 256'],
    ['256 bytes of two-byte characters', 'é'.repeat(128), 'the user id must have 1 to 255 bytes, not 256'],
    ['256 bytes of pairs', '\u{1f600}'.repeat(64), 'the user id must have 1 to 255 bytes, not 256'],
    ['U+0000', 'a\0', 'the user id holds U+0000 or a lone surrogate'],
    ['a lone high surrogate', '\ud800', 'the user id holds U+0000 or a lone surrogate'],
    ['a lone low surrogate', 'a\udc00b', 'the user id holds U+0000 or a lone surrogate'],
    ['null', null, 'the user id must be a string, not a object'],
    ['a number', 7, 'the user id must be a string, not a number'],
    ['a boxed string', Object('ada'), 'the user id must be a string, not a object'],
    ['an array', ['ada'], 'the user id must be a string, not a object'],
  ])(
    '%s is refused everywhere with ValueError, before the store is asked (R-079)',
    async (_name, userId, problem) => {
      const world = new World()
      const { session } = await world.browser().visit()
      const wrong = userId as string // what JavaScript lets through
      expect(() => session.setUserId(wrong)).toThrow(ValueError)
      expect(() => session.setUserId(wrong)).toThrow(problem)
      expect(session.userId).toBeUndefined()
      await expect(world.manager.listSessions(wrong)).rejects.toBeInstanceOf(ValueError)
      await expect(world.manager.revoke(wrong, session.id)).rejects.toBeInstanceOf(ValueError)
      await expect(world.manager.revoke(wrong, 'not an id')).rejects.toBeInstanceOf(ValueError)
      await expect(world.manager.revokeAll(wrong)).rejects.toBeInstanceOf(ValueError)
      expect(world.store.calls).toEqual([])
    },
  )

  it('undefined is refused where a user is looked for', async () => {
    const { manager } = new World()
    const nobody = undefined as unknown as string // as from a missing parameter
    await expect(manager.listSessions(nobody)).rejects.toBeInstanceOf(ValueError)
    await expect(manager.revokeAll(nobody)).rejects.toBeInstanceOf(ValueError)
    await expect(manager.revoke(nobody, 'x')).rejects.toBeInstanceOf(ValueError)
  })

  it.each(['x', 'x'.repeat(255), 'é'.repeat(127), ' ', '0', '__proto__', '\u{1f600}'.repeat(63)])(
    '%j is taken as it is',
    async (userId) => {
      const world = new World()
      const browser = world.browser()
      await browser.ask((session) => session.setUserId(userId))
      expect((await world.look(browser)).userId).toBe(userId)
      expect(await world.manager.listSessions(userId)).toHaveLength(1)
    },
  )

  it('does not stand in a message that refuses it', async () => {
    const { session } = await new World().browser().visit()
    expect(() => session.setUserId('ada\0')).not.toThrow('ada')
  })
})

describe('the address and the user agent of a sign-in', () => {
  const infoOf = async (address: string | undefined, userAgent: string) => {
    const world = new World()
    const visit = await world.browser().visit({ 'user-agent': userAgent })
    visit.exchange.address = address
    visit.session.setUserId('ada')
    const { error } = await visit.answer()
    expect(error).toBeUndefined()
    const [info] = await world.manager.listSessions('ada')
    return info
  }

  it('are listed as they were', async () => {
    expect(await infoOf('2001:db8::1', 'Mozilla/5.0 (X)')).toMatchObject({
      address: '2001:db8::1',
      userAgent: 'Mozilla/5.0 (X)',
    })
    expect(await infoOf(undefined, '')).toMatchObject({ address: undefined, userAgent: undefined })
  })

  it('are cut to what a list can bear, at a character (R-118)', async () => {
    const info = await infoOf('1'.repeat(10_000), 'é'.repeat(10_000))
    expect(info?.address).toBe('1'.repeat(128))
    expect(info?.userAgent).toBe('é'.repeat(256))
    for (let offset = 0; offset < 4; offset++) {
      const text = (await infoOf(undefined, 'x'.repeat(offset) + '\u{1f600}'.repeat(200)))?.userAgent ?? ''
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(512)
      expect(Buffer.byteLength(text)).toBeGreaterThan(508)
      expect(text).not.toMatch(/\p{Surrogate}|\ufffd/u)
    }
  })

  it('are made storable', async () => {
    const info = await infoOf('a\0b', 'x\ud800y\udc00z\0')
    expect(info).toMatchObject({ address: 'a\ufffdb', userAgent: 'x\ufffdy\ufffdz\ufffd' })
  })

  it('are noted at a sign-in of a stored session, and not for nobody', async () => {
    const world = new World()
    const browser = world.browser()
    await browser.ask((session) => session.set('x', 1))
    const { id } = await world.look(browser)
    expect(await world.store.peek(id, world.now)).toMatchObject({ address: undefined, userAgent: undefined })
    await browser.ask((session) => session.setUserId('ada'))
    expect(await world.store.peek(id, world.now)).toMatchObject({ address: '192.0.2.7', userAgent: 'Test/1' })
  })
})
