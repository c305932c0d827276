import { SessionManager, type SetCookie, StateError } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { fakeBrowser, fakeClock, fakeExchange } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'

const aCookie = (overrides: Partial<SetCookie> = {}): SetCookie => ({
  name: 'id',
  value: 'a',
  path: '/',
  domain: undefined,
  secure: true,
  httpOnly: true,
  sameSite: 'lax',
  partitioned: false,
  maxAge: undefined,
  ...overrides,
})

const aManager = () =>
  new SessionManager({
    store: new MemoryStore(),
    authKey: 'kW9vZ8mB1xN6cR9tY2wP5sL7dF4gH0jU',
    clock: fakeClock(),
  })

describe('fakeExchange', () => {
  it('is a request without cookies that is answered 200', () => {
    const exchange = fakeExchange()
    expect(exchange.header('cookie')).toBeUndefined()
    expect(exchange.address).toBe('192.0.2.1')
    expect(exchange.status).toBe(200)
    expect(exchange.headSent).toBe(false)
    expect(exchange.cookies.size).toBe(0)
  })

  it('sends headers under their lower-case names, an address and a raw Cookie header', () => {
    const cookie = 'id=a; id=b;;  x = "y%20"'
    const exchange = fakeExchange({ cookie, headers: { 'User-Agent': 'x/1' }, address: '2001:db8::1' })
    expect(exchange.header('user-agent')).toBe('x/1')
    expect(exchange.header('cookie')).toBe(cookie)
    expect(exchange.header('referer')).toBeUndefined()
    expect(exchange.address).toBe('2001:db8::1')
  })

  it('has a request object of its own', () => {
    const exchange = fakeExchange()
    expect(exchange.request).not.toBe(fakeExchange().request)
    expect(exchange.request).not.toBe(exchange.next().request)
  })

  it('keeps the last cookie of a name and the last header of a name', () => {
    const exchange = fakeExchange()
    exchange.setCookie(aCookie())
    exchange.setCookie(aCookie({ value: 'b' }))
    exchange.setCookie(aCookie({ name: 'other' }))
    exchange.setHeader('vary', 'cookie')
    exchange.setHeader('vary', 'accept, cookie')
    expect([...exchange.cookies.keys()]).toEqual(['id', 'other'])
    expect(exchange.cookies.get('id')).toEqual(aCookie({ value: 'b' }))
    expect(exchange.responseHeader('vary')).toBe('accept, cookie')
    expect([...exchange.responseHeaders]).toEqual([['vary', 'accept, cookie']])
  })

  it('refuses cookies and headers once the head has gone', () => {
    const exchange = fakeExchange()
    exchange.headSent = true
    expect(() => exchange.setCookie(aCookie())).toThrow(StateError)
    expect(() => exchange.setHeader('vary', 'cookie')).toThrow(StateError)
  })

  it('carries its cookies to the next, unchanged in value, beside those that it came with', () => {
    const first = fakeExchange({ cookie: 'x=1; y=2' })
    first.setCookie(aCookie({ value: 'a=%20~' }))
    first.setCookie(aCookie({ name: 'y', value: '3' }))
    const second = first.next()
    expect(second.header('cookie')).toBe('x=1; y=3; id=a=%20~')
    expect(second.next().header('cookie')).toBe('x=1; y=3; id=a=%20~')
    expect(second.cookies.size).toBe(0)
  })

  it('drops a cookie whose Max-Age is 0 and sends no empty header', () => {
    const first = fakeExchange({ cookie: 'id=a' })
    first.setCookie(aCookie({ value: '', maxAge: 0 }))
    expect(first.next().header('cookie')).toBeUndefined()
  })

  it('serves a manager: a session goes from one exchange to the next and ends with its cookie', async () => {
    const manager = aManager()
    const first = fakeExchange()
    const session = await manager.start(first)
    session.setUserId('ada').set('cart', [1])
    await manager.refresh(first, session)
    expect(first.cookies.get('__Host-id')).toMatchObject({ secure: true, httpOnly: true, path: '/' })
    expect(first.responseHeader('cache-control')).toBe('no-store')

    const second = first.next()
    const again = await manager.start(second)
    expect(again.userId).toBe('ada')
    await manager.destroy(second, again)
    expect(second.next().header('cookie')).toBeUndefined()
    await manager.close()
  })
})

describe('fakeBrowser', () => {
  it('has requests under way at once, each with the cookies of its own beginning', () => {
    const browser = fakeBrowser({ cookie: 'id=a' })
    const [slow, quick] = [browser.request(), browser.request()]
    quick.setCookie(aCookie({ value: 'b' }))
    browser.receive(quick)
    expect(slow.header('cookie')).toBe('id=a')
    expect(browser.request().header('cookie')).toBe('id=b')
  })

  it('takes responses in the order in which they arrive', () => {
    const browser = fakeBrowser()
    const [first, second] = [browser.request(), browser.request()]
    first.setCookie(aCookie({ value: 'first' }))
    second.setCookie(aCookie({ value: 'second' }))
    browser.receive(second)
    browser.receive(first)
    expect([...browser.cookies]).toEqual([['id', 'first']])
  })

  it('sends a raw Cookie header for one request only', () => {
    const browser = fakeBrowser({ cookie: 'id=a' })
    expect(browser.request({ cookie: 'id=b' }).header('cookie')).toBe('id=b')
    expect(browser.request({ cookie: '' }).header('cookie')).toBeUndefined()
    expect(browser.request().header('cookie')).toBe('id=a')
  })

  it('shares its jar with the exchanges that next() begins', () => {
    const browser = fakeBrowser()
    const exchange = browser.request()
    exchange.setCookie(aCookie())
    exchange.next().setCookie(aCookie({ value: 'not received' }))
    expect([...browser.cookies]).toEqual([['id', 'a']])
  })
})
