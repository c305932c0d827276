import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey, type Session, type SessionEvent, SessionManager, StoreError } from 'coatcheck'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Operation } from './recording-store.ts'
import { AUTH_KEY, FakeExchange, World } from './world.ts'

/** How a store can fail, and whether its error is the cause of ours. */
const FAILURES = {
  'rejects with a driver error': () => Promise.reject(new Error('down')),
  'throws at once': () => {
    throw new Error('down')
  },
  'rejects with undefined': () => Promise.reject(undefined), // what a store can do
  'rejects with a StoreError': () => Promise.reject(new StoreError('get', new Error('down'))),
  hangs: () => new Promise<never>(() => undefined),
} as const

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)

/** A world whose requests wait 200 ms for the store: long enough for one that answers on a busy machine. */
const impatient = () => new World({ storeTimeout: 0.2 })

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('SessionManager, with a store that fails', () => {
  beforeEach(() => {
    unhandled.length = 0
    process.on('unhandledRejection', note)
  })
  afterEach(async () => {
    await sleep(0)
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it.each(Object.entries(FAILURES))(
    'start rejects with StoreError where the store %s (R-088)',
    async (_name, fail) => {
      const world = impatient()
      const browser = await world.browserWith('ada')
      world.store.before = fail
      const error = await errorOf(browser.visit())
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ code: 'ERR_SESSION_STORE', status: 503, operation: 'get', expose: false })
      expect(world.told).toEqual(['store-failed'])
      world.store.before = () => undefined
      expect((await world.look(browser)).userId).toBe('ada')
    },
  )

  it('starts the same request again once the store is back', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const exchange = new FakeExchange({ cookie: `__Host-id=${browser.token}` })
    world.store.before = () => Promise.reject(new Error('down'))
    await expect(world.manager.start(exchange)).rejects.toBeInstanceOf(StoreError)
    world.store.before = () => undefined
    expect((await world.manager.start(exchange)).userId).toBe('ada')
  })

  it.each(
    Object.entries(FAILURES).flatMap(([name, fail]) =>
      (
        [
          ['create', undefined, (session: Session) => session.set('x', 1)],
          ['save', 'ada', (session: Session) => session.set('x', 1)],
          ['save', 'ada', (session: Session) => session.renew()],
          ['delete', 'ada', (session: Session) => session.destroy()],
        ] as const
      ).map(([operation, userId, change]) => [operation, name, userId, change, fail] as const),
    ),
  )(
    'refresh rejects with StoreError and sends no cookie where %s %s (rule 7)',
    async (operation, _n, userId, change, fail) => {
      const world = impatient()
      const browser = userId === undefined ? world.browser() : await world.browserWith(userId)
      const visit = await browser.visit()
      change(visit.session)
      world.store.before = fail
      const { error, cookie, exchange } = await visit.answer()
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ status: 503 })
      expect(cookie).toBeUndefined()
      expect(exchange.responseHeaders.has('cache-control')).toBe(false)
      expect(world.store.writes).toEqual([operation])
      expect(world.told.filter((type) => type !== 'loaded')).toEqual(['store-failed'])
    },
  )

  it.each(Object.entries(FAILURES))(
    'a touch fails nothing where the store %s (rule 7)',
    async (_name, fail) => {
      const world = impatient()
      const browser = await world.browserWith('ada', { x: 1 })
      world.advance(60)
      const visit = await browser.visit()
      world.forget()
      world.store.before = fail
      const { error, cookie } = await visit.answer()
      expect(error).toBeUndefined()
      expect(cookie).toBeUndefined()
      expect(world.events).toMatchObject([{ type: 'store-failed', operation: 'touch', id: visit.session.id }])
      world.store.before = () => undefined
      await browser.ask((session) => session.get('x'))
      expect(world.store.calls).toEqual(['touch', 'get', 'touch'])
    },
  )

  it.each([
    ['listByUser', (world: World) => world.manager.listSessions('ada')],
    ['deleteByUser', (world: World) => world.manager.revokeAll('ada')],
    ['cleanup', (world: World) => world.manager.cleanup()],
  ] as const)('%s rejects with StoreError', async (operation, ask) => {
    const world = impatient()
    for (const fail of Object.values(FAILURES)) {
      world.store.before = fail
      expect(await errorOf(ask(world))).toBeInstanceOf(StoreError)
    }
    expect(world.store.calls).toEqual(Object.keys(FAILURES).map((): Operation => operation))
  })

  it.each([
    ['find', 'get', (world: World, id: string) => world.manager.find(id)],
    ['touch', 'get', (world: World, id: string) => world.manager.touch(id)],
    ['revoke', 'delete', (world: World, id: string) => world.manager.revoke('ada', id)],
  ] as const)('%s rejects with StoreError of %s', async (_method, operation, ask) => {
    const world = impatient()
    const { id } = await world.look(await world.browserWith('ada'))
    world.store.before = FAILURES.hangs
    expect(await errorOf(ask(world, id))).toMatchObject({ code: 'ERR_SESSION_STORE', operation })
  })

  it('keeps the driver’s error as the cause, out of the message', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const cause = new Error('connect ECONNREFUSED 10.0.0.7:5432')
    world.store.before = () => Promise.reject(cause)
    const error = (await errorOf(browser.visit())) as StoreError
    expect(error.cause).toBe(cause)
    expect(error.message).toBe('session store failed to get')
    expect(world.events.at(-1)).toMatchObject({ type: 'store-failed', error, operation: 'get' })
  })

  it('passes on a StoreError of the store as it is', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const mine = new StoreError('get', new Error('down'))
    world.store.before = () => Promise.reject(mine)
    expect(await errorOf(browser.visit())).toBe(mine)
  })

  it('says of a store that hangs how long it waited, and waits no longer (R-068)', async () => {
    const world = impatient()
    const browser = await world.browserWith('ada')
    world.store.before = FAILURES.hangs
    const began = performance.now()
    const error = (await errorOf(browser.visit())) as StoreError
    const waited = performance.now() - began
    expect(error.cause).toMatchObject({ message: 'no answer within 0.2 s' })
    expect(waited).toBeGreaterThan(190)
    expect(waited).toBeLessThan(2000)
  })

  it('gives both statements of one commit one deadline', async () => {
    const world = new World({ storeTimeout: 0.3 })
    const browser = await world.browserWith('ada')
    const visit = await browser.visit()
    visit.session.setUserId('bob')
    world.store.before = () => sleep(200)
    const { error } = await visit.answer()
    expect(error).toMatchObject({ operation: 'create' })
  })

  it.each([
    ['answers', () => sleep(300)],
    ['fails', () => sleep(300).then(() => Promise.reject(new Error('late')))],
  ] as const)('reports a store that %s too late once', async (_name, late) => {
    const world = impatient()
    const browser = await world.browserWith('ada')
    world.store.before = late
    expect(await errorOf(browser.visit())).toBeInstanceOf(StoreError)
    await sleep(200)
    expect(world.told).toEqual(['store-failed'])
  })

  it('reports each request that the store left waiting in the async context of that request', async () => {
    const request = new AsyncLocalStorage<string>()
    const reporters: (string | undefined)[] = []
    const world = new World()
    const manager = new SessionManager({
      store: world.store,
      authKey: AUTH_KEY,
      storeTimeout: 0.1,
      clock: () => world.now,
      onEvent: () => void reporters.push(request.getStore()),
    })
    const browsers = [await world.browserWith('ada'), await world.browserWith('bob')]
    world.store.before = FAILURES.hangs
    const starts = browsers.map(({ token }, index) => {
      const exchange = new FakeExchange({ cookie: `__Host-id=${token}` })
      return request.run(`request ${index}`, () => errorOf(manager.start(exchange)))
    })
    expect(await Promise.all(starts)).toEqual([expect.any(StoreError), expect.any(StoreError)])
    expect(reporters.toSorted()).toEqual(['request 0', 'request 1'])
  })

  it('waits for a store as long as it was told to, above what a timer can hold', async () => {
    const world = new World({ storeTimeout: 3_000_000 })
    const browser = await world.browserWith('ada')
    world.store.before = () => sleep(20)
    expect((await browser.visit()).session.userId).toBe('ada')
  })

  it('takes a store that answers with plain values', async () => {
    const world = new World()
    const plain = { ...plainStore(), get: () => undefined }
    const manager = new SessionManager({ store: plain as never, authKey: AUTH_KEY, clock: () => world.now }) // on purpose
    const browser = await world.browserWith('ada')
    const session = await manager.start(new FakeExchange({ cookie: `__Host-id=${browser.token}` }))
    expect(session.isNew).toBe(true)
    await manager.close()
  })

  it.each([true, false])(
    'takes what a store throws at once for a failure, told of or not: %s',
    async (isTold) => {
      const world = new World()
      const plain = { ...plainStore(), get: fail }
      const onEvent = isTold ? (event: SessionEvent) => void world.events.push(event) : undefined
      const manager = new SessionManager({
        store: plain as never,
        authKey: AUTH_KEY,
        clock: () => world.now,
        onEvent,
      }) // on purpose
      const { token } = await world.browserWith('ada')
      const starting = manager.start(new FakeExchange({ cookie: `__Host-id=${token}` }))
      const cause = { message: 'down' }
      expect(await errorOf(starting)).toMatchObject({ code: 'ERR_SESSION_STORE', operation: 'get', cause })
      expect(world.told).toEqual(isTold ? ['store-failed'] : [])
      await manager.close()
    },
  )

  it.each([
    ['nothing', undefined],
    ['an outcome that there is not', { outcome: 'done' }],
  ])('does not take for saved what a store answers with %s (rule 7)', async (_name, answer) => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 1 })
    world.store.save = async () => answer as never // on purpose
    const visit = await browser.visit()
    expect(await errorOf(visit.session.update('n', () => 2))).toBeInstanceOf(StoreError)
    expect(visit.session.get('n')).toBe(1)
    visit.session.setUserId('ada').set('x', 1)
    const { error, cookie } = await visit.answer()
    const cause = { message: 'the store answered a save with no outcome' }
    expect(error).toMatchObject({ code: 'ERR_SESSION_STORE', operation: 'save', cause })
    expect(cookie).toBeUndefined()
    expect(world.told).toEqual(['loaded', 'store-failed', 'store-failed'])
  })

  it('does not take for saved what a store refused for an expectation that was not given (rule 7)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    world.store.save = async () => ({ outcome: 'unexpected' })
    const visit = await browser.visit()
    visit.session.set('x', 1)
    const { error } = await visit.answer()
    const cause = { message: 'the store refused an expectation that was not given' }
    expect(error).toMatchObject({ code: 'ERR_SESSION_STORE', operation: 'save', cause })
  })

  it.each([
    ['listByUser', (manager: SessionManager) => manager.listSessions('ada')],
    ['deleteByUser', (manager: SessionManager) => manager.revokeAll('ada')],
    ['delete', (manager: SessionManager, id: string) => manager.revoke('ada', id)],
    ['get', (manager: SessionManager, id: string) => manager.find(id)],
    ['get', (manager: SessionManager, id: string) => manager.touch(id)],
    ['cleanup', (manager: SessionManager) => manager.cleanup()],
  ] as const)('says that %s failed where there is no request', async (operation, ask) => {
    const world = new World()
    const { id } = await world.look(await world.browserWith('ada'))
    world.store.before = fail
    expect(await errorOf(ask(world.manager, id))).toMatchObject({ code: 'ERR_SESSION_STORE', operation })
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'store-failed', operation }))
  })

  it('answers a stored record that cannot be read with ValueError, not as an empty session', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const { id } = await world.look(browser)
    const record = await world.store.peek(id, world.now)
    for (const values of ['[]', 'null', '"x"', '{']) {
      await world.store.drop(id)
      if (record !== undefined) await world.store.plant({ ...record, values })
      const { session } = await browser.visit()
      expect(session.userId).toBe('ada')
      expect(() => session.get('x')).toThrow("the session's stored values are not a JSON object")
      expect(world.manager.needsRefresh(session)).toBe(false)
    }
  })

  it('does not go on with an empty session where the id of the new one is taken', async () => {
    const world = new World({ authKey: generateKey() })
    const visit = await world.browser().visit()
    const other = await world.browserWith('bob')
    const record = await world.store.peek((await world.look(other)).id, world.now)
    if (record !== undefined) await world.store.plant({ ...record, id: visit.session.id })
    visit.session.set('x', 1)
    const { error, cookie } = await visit.answer()
    const cause = { message: 'the id of the new session is taken' }
    expect(error).toMatchObject({ code: 'ERR_SESSION_STORE', operation: 'create', cause })
    expect(cookie).toBeUndefined()
  })
})

function fail(): never {
  throw new Error('down')
}

function plainStore() {
  const nothing = () => undefined
  return {
    create: nothing,
    get: nothing,
    save: nothing,
    touch: nothing,
    delete: nothing,
    listByUser: nothing,
    deleteByUser: nothing,
    cleanup: nothing,
  }
}
