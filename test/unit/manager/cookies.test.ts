import { ConflictError, type Session, type SessionManager } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { AUTH_KEY, FakeExchange, World } from './world.ts'

const OLD = 'an old key of at least 32 bytes, really'
const NEW = 'a new key of at least 32 bytes, as well'

describe('SessionManager.start, cookies', () => {
  it('asks the store for a genuine token once, and for a forged one never (rule 10, R-102)', async () => {
    const world = new World()
    const { token = '' } = await world.browserWith('ada')
    await world.browser(token).visit()
    expect(world.store.calls).toEqual(['get'])
    world.store.forget()
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A'
      await world.browser(token.slice(0, at) + other + token.slice(at + 1)).visit()
    }
    for (const value of [
      '',
      token.slice(1),
      `${token}A`,
      `${token}=`,
      ` ${token.slice(0, -1)}`,
      "' OR 1=1--",
      '<script>',
      token.toUpperCase(),
    ]) {
      await world.browser(value).visit()
    }
    expect(world.store.calls).toEqual([])
  })

  it('reads the cookie of its own name only, and no token made for another name (rule 10, R-054)', async () => {
    const world = new World()
    const { token } = await world.browserWith('ada')
    for (const cookie of [
      `id=${token}`,
      `__host-id=${token}`,
      `x__Host-id=${token}`,
      `__Host-id2=${token}`,
    ]) {
      const session = await world.manager.start(new FakeExchange({ cookie }))
      expect(session.isNew).toBe(true)
    }
    const other = new World({ store: world.store, cookie: { name: '__Host-other' } })
    expect((await other.look(other.browser(token))).isNew).toBe(true)
    expect(world.store.calls).toEqual([])
  })

  it('reads the cookie among others', async () => {
    const world = new World()
    const { token } = await world.browserWith('ada')
    const session = await world.manager.start(new FakeExchange({ cookie: `a=b; __Host-id=${token}; c=d` }))
    expect(session.userId).toBe('ada')
  })

  it('never takes a token from elsewhere (R-071, R-094, R-081, R-201)', async () => {
    const world = new World()
    const { token = '' } = await world.browserWith('ada')
    const session = await world.manager.start(
      new FakeExchange({ authorization: `Bearer ${token}`, 'x-session': token }),
    )
    expect(session.isNew).toBe(true)
    expect(world.store.calls).toEqual([])
  })

  it('finds the one live session among cookies of one name, in any order (R-162)', async () => {
    const world = new World()
    const { token: ada } = await world.browserWith('ada')
    const ended = await world.browserWith('bob')
    await world.store.drop((await world.look(ended)).id)
    const tokens = [ada, ended.token, 'garbage', ada]
    for (const order of [tokens, [...tokens].reverse()]) {
      expect((await world.look(world.browser(order.join('; __Host-id=')))).userId).toBe('ada')
    }
  })

  it('takes one session that two of its tokens name, the superseded one included', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const old = browser.token
    await browser.ask((session) => session.renew())
    const both = world.browser(`${old}; __Host-id=${browser.token}`)
    expect((await world.look(both)).userId).toBe('ada')
    await both.ask((session) => session.set('x', 1))
    expect((await world.look(browser)).values).toEqual({ x: 1 })
  })

  it('takes a token that was just superseded for that of a parallel request among dead ones too, in any order', async () => {
    const world = new World()
    const dead = await world.browserWith('bob')
    await world.store.drop((await world.look(dead)).id)
    const browser = await world.browserWith('ada')
    await browser.copy().ask((session) => session.renew())
    const tokens = [browser.token, dead.token]
    for (const order of [tokens, [...tokens].reverse()]) {
      const writing = world.browser(order.join('; __Host-id=')).ask((session) => session.set('x', 1))
      await expect(writing).rejects.toBeInstanceOf(ConflictError)
    }
  })

  it('opens no record whose hash was cut off, not even after the whole one was compared', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const { id } = await world.look(browser)
    const record = await world.store.peek(id, world.now)
    for (const length of [0, 32, 63]) {
      await world.store.drop(id)
      if (record !== undefined)
        await world.store.plant({ ...record, secretHash: record.secretHash.slice(0, length) })
      expect((await world.look(browser)).isNew, `${length}`).toBe(true)
    }
  })

  it('looks at a bounded number of cookies of one name (R-076)', async () => {
    const world = new World()
    const tokens: (string | undefined)[] = []
    for (let i = 0; i < 100; i++) tokens.push((await world.browserWith(`user-${i}`)).token)
    world.forget()
    const { session } = await world.browser(tokens.join('; __Host-id=')).visit()
    expect(session.userId).toBeUndefined()
    expect(world.store.calls.length).toBeLessThanOrEqual(8)
    expect(world.events.length).toBeLessThanOrEqual(8)
  })

  it('gives the same session for the same request (rule 15)', async () => {
    const world = new World()
    const { token } = await world.browserWith('ada')
    const exchange = new FakeExchange({ cookie: `__Host-id=${token}` })
    const [first, second] = await Promise.all([world.manager.start(exchange), world.manager.start(exchange)])
    expect(second).toBe(first)
    expect(await world.manager.start(exchange)).toBe(first)
    expect(world.store.calls).toEqual(['get'])
    first?.set('x', 1)
    await Promise.all([world.manager.refresh(exchange, first), world.manager.refresh(exchange, first)])
    await world.manager.refresh(exchange, first)
    expect(world.store.writes).toEqual(['save'])
  })

  it('lets whoever refreshes a second time wait for the first, and fail with it', async () => {
    const world = new World()
    const visit = await (await world.browserWith('ada')).visit()
    visit.session.set('x', 1)
    let fail: (reason: Error) => void = () => undefined
    world.store.before = () => new Promise((_resolve, reject) => (fail = reject))
    const outcomes: string[] = []
    const refreshing = [1, 2].map((which) =>
      world.manager.refresh(visit.exchange, visit.session).catch(() => void outcomes.push(`${which} failed`)),
    )
    await new Promise((resolve) => setImmediate(resolve))
    expect(outcomes).toEqual([])
    fail(new Error('down'))
    await Promise.all(refreshing)
    expect(outcomes).toEqual(['1 failed', '2 failed'])
    await expect(world.manager.refresh(visit.exchange, visit.session)).resolves.toBeUndefined()
  })

  it('gives a session also where the request object takes no property', async () => {
    const world = new World()
    const { token } = await world.browserWith('ada')
    const exchange = new FakeExchange({ cookie: `__Host-id=${token}` })
    Object.freeze(exchange.request)
    expect((await world.manager.start(exchange)).userId).toBe('ada')
  })

  it('lets two managers live side by side, each with its own session (rule 15, R-104)', async () => {
    const world = new World()
    const other = new World({ store: world.store, cookie: { name: '__Host-admin' } })
    const exchange = new FakeExchange()
    const [mine, theirs] = [await world.manager.start(exchange), await other.manager.start(exchange)]
    expect(mine).not.toBe(theirs)
    mine.setUserId('ada')
    theirs.setUserId('root')
    await world.manager.refresh(exchange, mine)
    await other.manager.refresh(exchange, theirs)
    expect(exchange.cookies.map(({ name }) => name)).toEqual(['__Host-id', '__Host-admin'])
    await expect(async () => world.manager.refresh(exchange, theirs)).rejects.toThrow(
      'was not started by this manager',
    )
    expect(() => world.manager.needsRefresh(theirs)).toThrow('was not started by this manager')
  })

  it('refuses two managers behind one cookie name, of which the browser could keep one only (rule 15)', async () => {
    const world = new World()
    const exchange = new FakeExchange()
    const session = await world.manager.start(exchange)
    const starting = new World().manager.start(exchange)
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_SESSION_STATE',
      message: 'two managers use the cookie "__Host-id": give this one a cookie.name of its own',
    })
    expect(await world.manager.start(exchange)).toBe(session)
  })

  it('rejects, and does not throw, where a session is another manager’s', async () => {
    const world = new World()
    const session = await new World().manager.start(new FakeExchange())
    const refreshing = world.manager.refresh(new FakeExchange(), session)
    await expect(refreshing).rejects.toMatchObject({ code: 'ERR_SESSION_STATE' })
    await expect(world.manager.destroy(new FakeExchange(), session)).rejects.toMatchObject({
      code: 'ERR_SESSION_STATE',
    })
    expect(() => session.set('x', 1)).not.toThrow()
  })

  it('rejects what is no session at all', async () => {
    const { manager } = new World()
    const refreshing = manager.refresh(new FakeExchange(), {} as Session) // on purpose
    await expect(refreshing).rejects.toMatchObject({ code: 'ERR_SESSION_STATE' })
  })
})

describe('SessionManager, headers (rule 16, R-072)', () => {
  it('says no-store where it sets the cookie or deletes it, and nowhere else', async () => {
    const world = new World()
    const browser = world.browser()
    const control = async (change: Parameters<typeof browser.ask>[0]) =>
      (await browser.ask(change)).exchange.responseHeaders.get('cache-control')
    expect(await control((session) => session.get('x'))).toBeUndefined()
    expect(await control((session) => session.set('x', 1))).toBe('no-store')
    expect(await control((session) => session.set('x', 2))).toBeUndefined()
    expect(await control((session) => session.renew())).toBe('no-store')
    expect(await control((session) => session.destroy())).toBe('no-store')
  })

  it.each([
    [undefined, 'Cookie'],
    ['', 'Cookie'],
    ['Accept-Encoding', 'Accept-Encoding, Cookie'],
    ['Cookie', 'Cookie'],
    ['accept, COOKIE', 'accept, COOKIE'],
    ['X-Cookie', 'X-Cookie, Cookie'],
    ['Cookie2', 'Cookie2, Cookie'],
    ['*', '*'],
  ])('adds Cookie to a Vary of %j once', async (before, after) => {
    const world = new World()
    const exchange = new FakeExchange()
    if (before !== undefined) exchange.setHeader('vary', before)
    const session = await world.manager.start(exchange)
    await world.manager.refresh(exchange, session)
    expect(exchange.responseHeader('vary')).toBe(after)
  })

  it('says Vary also where the handler wrote over it, and where the store failed', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const visit = await browser.visit()
    visit.exchange.setHeader('vary', 'Accept')
    await visit.answer()
    expect(visit.exchange.responseHeader('vary')).toBe('Accept, Cookie')
    const exchange = new FakeExchange({ cookie: `__Host-id=${browser.token}` })
    world.store.before = () => Promise.reject(new Error('down'))
    await expect(world.manager.start(exchange)).rejects.toThrow()
    expect(exchange.responseHeader('vary')).toBe('Cookie')
  })

  it('sets no header once the head has gone', async () => {
    const world = new World()
    const visit = await world.browser().visit()
    visit.exchange.headSent = true
    visit.exchange.responseHeaders.clear()
    await visit.answer()
    expect(visit.exchange.responseHeaders.size).toBe(0)
    expect(visit.exchange.cookies).toEqual([])
  })
})

describe('keys (rule 11)', () => {
  const withKeys = (world: World, keys: Partial<ConstructorParameters<typeof SessionManager>[0]>) =>
    new World({ store: world.store, clock: () => world.now, ...keys })

  it('rotate without logging anyone out: append everywhere, then move to the front (R-058)', async () => {
    const world = new World({ authKey: OLD })
    const before = await world.browserWith('ada')
    const appended = withKeys(world, { authKey: [OLD, NEW] })
    const moved = withKeys(world, { authKey: [NEW, OLD] })
    const retired = withKeys(world, { authKey: NEW })
    const renewed = moved.browser(before.token)
    await renewed.ask((session) => expect(session.userId).toBe('ada'))
    expect(renewed.token).toBe(before.token)
    await renewed.ask((session) => session.renew())
    for (const server of [appended, moved, retired]) {
      expect((await server.look(server.browser(renewed.token))).userId).toBe('ada')
    }
  })

  it('sign with the first only, and verify with all that are listed', async () => {
    const world = new World({ authKey: [NEW, OLD] })
    const { token } = await world.browserWith('ada')
    const userWith = async (authKey: string | string[]) => {
      const other = withKeys(world, { authKey })
      return (await other.look(other.browser(token))).userId
    }
    expect(await userWith(NEW)).toBe('ada')
    expect(await userWith([OLD, NEW])).toBe('ada')
    expect(await userWith(OLD)).toBeUndefined()
  })

  it('that are retired open nothing, and cost the store nothing (R-014)', async () => {
    const world = new World({ authKey: OLD })
    const { token } = await world.browserWith('ada')
    world.forget()
    const other = withKeys(world, { authKey: NEW })
    expect((await other.look(other.browser(token))).isNew).toBe(true)
    expect(other.events).toMatchObject([{ type: 'rejected', reason: 'unknown-key', id: undefined }])
    expect(world.store.calls).toEqual([])
  })

  it('encryption, once turned on, still reads signed tokens, and encrypts new ones', async () => {
    const world = new World()
    const signed = await world.browserWith('ada')
    const encrypting = withKeys(world, { authKey: AUTH_KEY, encryptionKey: NEW })
    const browser = encrypting.browser(signed.token)
    await browser.ask((session) => expect(session.userId).toBe('ada'))
    expect(browser.token).toBe(signed.token)
    await browser.ask((session) => session.renew())
    expect((await encrypting.look(browser)).userId).toBe('ada')
    const { id } = await encrypting.look(browser)
    const hex = Buffer.from(browser.token ?? '', 'base64url').toString('hex')
    expect(hex).not.toContain(id.replaceAll('-', ''))
    expect((await world.look(world.browser(browser.token))).isNew).toBe(true)
  })
})
