import { getSession, type Session, StoreError } from 'coatcheck'
import { type HonoSession, sessions } from 'coatcheck/adapters/hono'
import { type ExecutionContext, Hono } from 'hono'
import { setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type FetchClient, fetchClient } from '../http/fetch-client.ts'
import type { Values } from '../http/http-case.ts'
import { type Kept, keep } from '../http/node-server.ts'

type App = Hono<HonoSession<Values>>

/** An application in which GET /in signs in, and a client of it. */
function start(
  mount: (app: App, kept: Kept) => unknown,
  kept = keep(),
): Kept & { app: App; client: FetchClient } {
  const app = new Hono<HonoSession<Values>>()
  app.use(sessions(kept.manager))
  app.get('/in', (c) => c.text(c.var.session.setUserId('ada').userId ?? ''))
  mount(app, kept)
  return { ...kept, app, client: fetchClient((request) => app.fetch(request)) }
}

/** Hono's own error handler writes what it answers 500 to the console. */
function silence(): void {
  const spy = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => spy.mockRestore())
}

describe('sessions(manager) of coatcheck/adapters/hono', () => {
  it("goes by the status of Hono's own error answer: 500 drops, an HTTPException below it commits", async () => {
    silence()
    const { client, store } = start((app) => {
      app.get('/bad', (c) => {
        c.var.session.set('a', 1)
        throw new Error('failed')
      })
      app.get('/missing', (c) => {
        c.var.session.set('a', 1)
        throw new HTTPException(404, { message: 'no such page' })
      })
    })
    const bad = await client.ask('/bad')
    expect([bad.status, bad.headers.getSetCookie(), bad.headers.get('vary')]).toEqual([500, [], 'Cookie'])
    expect(store.writes()).toBe(0)
    const missing = await client.ask('/missing')
    expect([missing.status, await missing.text()]).toEqual([404, 'no such page'])
    expect(missing.headers.getSetCookie().length).toBe(1)
    expect(store.calls.create).toBe(1)
  })

  it("goes by the status of the application's onError, whatever was thrown", async () => {
    const { client, store } = start((app) => {
      app.get('/:status', (c) => {
        c.var.session.set('a', 1)
        throw new Error(c.req.param('status'))
      })
      app.onError((error, c) => c.text('an error page', error.message === '422' ? 422 : 503))
    })
    expect((await client.ask('/503')).status).toBe(503)
    expect(store.writes()).toBe(0)
    expect((await client.ask('/422')).headers.getSetCookie().length).toBe(1)
    expect(store.calls.create).toBe(1)
  })

  it('lets onError see the session, and change it', async () => {
    const { client } = start((app) => {
      app.get('/', () => {
        throw new Error('failed')
      })
      app.get('/tries', (c) => c.json(c.var.session.values()))
      app.onError((_error, c) => {
        c.var.session.set('tries', 1)
        return c.text('try again', 400)
      })
    })
    await client.ask('/')
    expect(await (await client.ask('/tries')).json()).toEqual({ tries: 1 })
  })

  it('puts no cookie on a Response that the handler answers other requests with too', async () => {
    const noContent = new Response(null, { status: 204 })
    const { client, app } = start((app) => {
      app.get('/enter', (c) => c.var.session.setUserId('ada') && noContent)
      app.get('/', () => noContent)
    })
    expect((await client.ask('/enter')).headers.getSetCookie().length).toBe(1)
    expect((await app.request('/')).headers.getSetCookie()).toEqual([])
  })

  it('sends the deletion cookie with the error page of a handler that failed after its destroy', async () => {
    silence()
    const { client, manager } = start((app) => {
      app.get('/', (c) => {
        c.var.session.destroy()
        throw new Error('failed')
      })
    })
    await client.ask('/in')
    expect((await client.ask('/')).status).toBe(500)
    expect(client.cookies.size).toBe(0)
    expect(await manager.listSessions('ada')).toEqual([])
  })

  it('commits the ends, and nothing else, of a handler that throws what is no error', async () => {
    const { client, manager, store } = start((app) => {
      app.get('/end', (c) => {
        c.var.session.destroy()
        throw 'a text'
      })
      app.get('/', (c) => {
        c.var.session.set('a', 1)
        throw 'a text'
      })
    })
    await client.ask('/in')
    store.forget()
    await expect(client.ask('/')).rejects.toBe('a text')
    expect(store.writes()).toBe(0)
    await expect(client.ask('/end')).rejects.toBe('a text')
    expect(await manager.listSessions('ada')).toEqual([])
  })

  it('leaves the deletion cookie and Vary to an outer middleware that answers what is no error', async () => {
    const { manager } = keep()
    const app = new Hono<HonoSession<Values>>()
    app.use(async (c, next) => {
      c.header('Vary', 'Origin')
      try {
        return await next()
      } catch {
        return c.text('caught', 500)
      }
    })
    app.use(sessions(manager))
    app.get('/in', (c) => c.text(c.var.session.setUserId('ada').userId ?? ''))
    app.get('/', (c) => {
      c.var.session.destroy()
      throw 'a text'
    })
    const client = fetchClient((request) => app.fetch(request))
    await client.ask('/in')
    const response = await client.ask('/')
    expect([await response.text(), response.headers.get('vary')]).toEqual(['caught', 'Origin, Cookie'])
    expect(client.cookies.size).toBe(0)
  })

  it('drops the changes of a handler that answers nothing, which Hono answers 500', async () => {
    silence()
    const { client, store } = start((app) => {
      app.get('/', (c) => {
        c.var.session.set('a', 1)
        return undefined as unknown as Response // the mistake
      })
    })
    const response = await client.ask('/')
    expect([response.status, response.headers.getSetCookie()]).toEqual([500, []])
    expect(store.writes()).toBe(0)
  })

  it("answers 503 by Hono's own error handler if the store fails on the way in", async () => {
    silence()
    let calls = 0
    const { client, store } = start((app) => app.get('/', (c) => c.text(String(++calls))))
    await client.ask('/in')
    store.failing.add('get')
    const response = await client.ask('/')
    expect([response.status, await response.text(), calls]).toEqual([503, 'Service Unavailable\n', 0])
    expect([response.headers.get('vary'), response.headers.get('cache-control')]).toEqual([
      'Cookie',
      'no-store',
    ])
    expect(console.error).not.toHaveBeenCalled()
  })

  it("gives a store that fails on the way in to the application's onError, as the error that it is", async () => {
    const errors: unknown[] = []
    const { client, store } = start((app) => {
      app.onError((error, c) => {
        errors.push(error)
        return c.text('come back later', 503)
      })
    })
    await client.ask('/in')
    store.failing.add('get')
    const response = await client.ask('/in')
    expect([response.status, await response.text()]).toEqual([503, 'come back later'])
    expect(response.headers.get('vary')).toBe('Cookie')
    expect(errors[0]).toBeInstanceOf(StoreError)
  })

  it('replaces an answer whose commit failed, and keeps what other code set beside it', async () => {
    const { client, store } = start((app) => {
      app.get('/', (c) => {
        c.var.session.set('a', 1)
        setCookie(c, 'theme', 'dark')
        c.header('X-Frame-Options', 'DENY')
        c.header('ETag', '"1"')
        return c.html('<p>saved', 201)
      })
    })
    store.failing.add('create')
    const response = await client.ask('/')
    expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable\n'])
    expect(Object.fromEntries(response.headers)).toEqual({
      'cache-control': 'no-store',
      'content-length': '20',
      'content-type': 'text/plain; charset=utf-8',
      'set-cookie': 'theme=dark; Path=/',
      vary: 'Cookie',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
  })

  it("leaves Hono's own cookies beside ours", async () => {
    const { client } = start((app) => {
      app.get('/', (c) => {
        c.var.session.set('a', 1)
        setCookie(c, 'theme', 'dark')
        return c.redirect('/')
      })
    })
    const names = (await client.ask('/')).headers.getSetCookie().map((line) => line.split('=')[0])
    expect(names).toEqual(['theme', '__Host-id'])
  })

  it('copies a response whose headers are immutable', async () => {
    const { client } = start((app) => {
      app.get('/', (c) => {
        c.var.session.set('a', 1)
        return fetch('data:text/plain,from elsewhere')
      })
    })
    const response = await client.ask('/')
    expect([await response.text(), response.headers.get('vary')]).toEqual(['from elsewhere', 'Cookie'])
    expect(response.headers.getSetCookie().length).toBe(1)
  })

  it('returns the very response of the handler where its headers can be changed', async () => {
    const own = new Response('body')
    const { client } = start((app) => app.get('/', () => own))
    expect(await client.ask('/')).toBe(own)
    expect(own.headers.get('vary')).toBe('Cookie')
  })

  it('is one session in an application, in those that are routed in it, and where it is mounted twice', async () => {
    const { client, store } = start((app, { manager }) => {
      const part = new Hono<HonoSession<Values>>()
      part.use(sessions(manager))
      part.get('/x', (c) => c.json(c.var.session.set('part', 1).values()))
      app.use('/part/*', async (c, next) => {
        c.var.session.set('whole', 1)
        await next()
      })
      app.route('/part', part)
    })
    expect(await (await client.ask('/part/x')).json()).toEqual({ part: 1, whole: 1 })
    expect(store.writes()).toBe(1)
  })

  it('is mounted on a sub-application alone, and elsewhere there is no session', async () => {
    const { manager } = keep()
    const part = new Hono().use(sessions(manager)).get('/', (c) => c.text(c.var.session.id))
    const app = new Hono().route('/part', part).get('/', (c) => c.text(String(getSession())))
    expect(await (await app.request('/')).text()).toBe('undefined')
    expect((await app.request('/')).headers.get('vary')).toBeNull()
    expect(await (await app.request('/part')).text()).toMatch(/^[\da-f-]{36}$/)
  })

  it('refuses a second manager under the same variable', async () => {
    const { client } = start((app) => {
      app.use(sessions(keep({ cookie: { name: '__Host-other' } }).manager))
      app.get('/', (c) => c.text('handled'))
      app.onError((error, c) => c.text(error.message, 500))
    })
    expect(await (await client.ask('/')).text()).toBe(
      'c.var.session is taken: give this manager a property of its own',
    )
  })

  it('gives all code below it its session from the context, the innermost first', async () => {
    const [outer, inner] = [keep(), keep({ cookie: { name: '__Host-inner' } })]
    const app = new Hono()
      .use(sessions(outer.manager, { property: 'outer' }))
      .use(sessions(inner.manager))
      .get('/', async (c) => {
        await Promise.resolve()
        const found = [getSession(outer.manager), getSession(inner.manager), getSession()]
        const own: unknown[] = [c.var.outer, c.var.session, c.var.session]
        return c.json(found.map((session: Session<Values> | undefined, at) => session === own[at]))
      })
    expect(await (await app.request('/')).json()).toEqual([true, true, true])
  })

  it("waits for no touch, and gives it to the execution context's waitUntil", async () => {
    let now = Date.UTC(2026, 0, 1)
    const kept = keep({ clock: () => now })
    const { client, app, shut, store } = start((app) => app.get('/', (c) => c.text('read')), kept)
    await client.ask('/in')
    now += 61_000
    const works: Promise<unknown>[] = []
    const context = { waitUntil: (work: Promise<unknown>) => works.push(work) } as unknown as ExecutionContext // all that is used
    const cookie = `__Host-id=${client.cookies.get('__Host-id')}`
    const answer = app.request('/', { headers: { cookie } }, {}, context)
    while (store.calls.get === 0) await Promise.resolve()
    const open = shut()
    expect(await (await answer).text()).toBe('read')
    expect([works.length, store.calls.touch]).toEqual([1, 1])
    open()
    await works[0]
  })

  it('keeps the address that its option reads, and none where there is neither option nor socket', async () => {
    const { manager } = keep()
    const app = new Hono()
    app.use('/own/*', sessions(manager, { address: (c) => c.req.header('cf-connecting-ip') }))
    app.use('/none/*', sessions(manager))
    app.get('/*', (c) => c.text(getSession(manager)?.setUserId('ada').id ?? ''))
    const headers = { 'cf-connecting-ip': '203.0.113.9' }
    for (const path of ['/own/in', '/none/in']) await app.request(path, { headers })
    const addresses = (await manager.listSessions('ada')).map(({ address }) => address)
    expect(addresses.sort()).toEqual(['203.0.113.9', undefined])
  })
})
