import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { getSession, type Session, StoreError } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/koa'
import Koa, { type DefaultState } from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import type { Values } from '../http/http-case.ts'
import { listen } from '../http/node-harness.ts'
import { type Kept, keep } from '../http/node-server.ts'

type App = Koa<DefaultState, { session: Session<Values> }>

/** An application in which /in signs in. */
async function start(
  mount: (app: App, kept: Kept) => unknown,
  kept = keep(),
): Promise<Kept & { browser: Browser }> {
  const app = new Koa<DefaultState, { session: Session<Values> }>()
  app.silent = true // the error handler prints nothing
  app.use(sessions(kept.manager))
  app.use((ctx, next) => {
    if (ctx.path !== '/in') return next()
    ctx.body = ctx.session.setUserId('ada').userId
    return undefined
  })
  mount(app, kept)
  const { port, close } = await listen(app.callback())
  const browser = new Browser(port)
  onTestFinished(async () => {
    browser.close()
    await close()
  })
  return { ...kept, browser }
}

describe('sessions(manager) of coatcheck/adapters/koa', () => {
  it("goes by the status of Koa's error page, which drops every header: 500 drops the changes, below commits them", async () => {
    const { browser, store } = await start((app) =>
      app.use((ctx) => {
        ctx.session.set('a', 1)
        ctx.set('X-Handler', 'set')
        if (ctx.path === '/missing') ctx.throw(404)
        throw new Error('failed')
      }),
    )
    const bad = await browser.ask('/')
    expect([bad.status, bad.body, bad.setCookies]).toEqual([500, 'Internal Server Error', []])
    expect([bad.headers['x-handler'], bad.headers.vary]).toEqual([undefined, 'Cookie'])
    expect(store.writes()).toBe(0)
    const missing = await browser.ask('/missing')
    expect([missing.status, missing.body, missing.headers.vary]).toEqual([404, 'Not Found', 'Cookie'])
    expect(missing.setCookies.length).toBe(1)
    expect(missing.headers['cache-control']).toBe('no-store')
    expect(store.calls.create).toBe(1)
  })

  it('goes by the status that an error handling middleware answers with, above it or below', async () => {
    const { manager, store } = keep()
    const app = new Koa()
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch {
        ctx.status = Number(ctx.query.status)
        ctx.body = 'an error page'
      }
    })
    app.use(sessions(manager)).use((ctx) => {
      ctx.session.set('a', 1)
      throw new Error('failed')
    })
    const { port, close } = await listen(app.callback())
    onTestFinished(close)
    const browser = new Browser(port)
    onTestFinished(() => browser.close())
    expect((await browser.ask('/?status=502')).setCookies).toEqual([])
    expect(store.writes()).toBe(0)
    const received = await browser.ask('/?status=400')
    expect([received.status, received.body, received.setCookies.length]).toEqual([400, 'an error page', 1])
  })

  it('sends the deletion cookie with the error page of a handler that failed after its destroy', async () => {
    const { browser, manager } = await start((app) =>
      app.use((ctx) => {
        ctx.session.destroy()
        throw new Error('failed')
      }),
    )
    await browser.ask('/in')
    expect((await browser.ask('/')).status).toBe(500)
    expect(browser.jar.size).toBe(0)
    expect(await manager.listSessions('ada')).toEqual([])
  })

  it('throws where the store fails on the way in: Koa answers 503, and is told of the error', async () => {
    const errors: unknown[] = []
    const { browser, store } = await start((app) => app.on('error', (error) => errors.push(error)))
    await browser.ask('/in')
    store.failing.add('get')
    const received = await browser.ask('/in')
    expect([received.status, received.body]).toEqual([503, 'Service Unavailable'])
    expect([received.headers.vary, received.setCookies]).toEqual(['Cookie', []])
    expect(errors.length).toBe(1)
    expect(errors[0]).toBeInstanceOf(StoreError)
  })

  it('answers itself if the commit fails, for every kind of body', async () => {
    const bodies: Record<string, () => unknown> = {
      text: () => 'saved',
      buffer: () => Buffer.from('saved'),
      json: () => ({ saved: true }),
      stream: () => Readable.from(['sa', 'ved']),
      web: () => new Blob(['saved']).stream(),
      none: () => null,
    }
    const { browser, store } = await start((app) =>
      app.use((ctx) => {
        ctx.session.set('a', 1)
        ctx.etag = '1'
        ctx.cookies.set('theme', 'dark')
        ctx.body = bodies[ctx.path.slice(1)]?.()
      }),
    )
    store.failing.add('create')
    for (const kind of Object.keys(bodies)) {
      const received = await browser.ask(`/${kind}`)
      expect([kind, received.status, received.body]).toEqual([kind, 503, 'Service Unavailable\n'])
      expect(received.headers.etag).toBeUndefined()
      expect(received.setCookies).toEqual(['theme=dark; path=/; httponly'])
    }
    store.failing.clear()
    for (const kind of Object.keys(bodies)) {
      const received = await browser.copy().ask(`/${kind}`, { cookie: '' })
      expect([kind, received.setCookies.length]).toEqual([kind, 2])
      expect(received.body).toBe({ json: '{"saved":true}', none: '' }[kind] ?? 'saved')
    }
  })

  it('stops the stream of an answer whose commit failed', async () => {
    let stream: Readable | undefined
    const { browser, store } = await start((app) =>
      app.use((ctx) => {
        ctx.session.set('a', 1)
        stream = new Readable({ read() {} })
        stream.push('secret')
        ctx.body = stream
      }),
    )
    store.failing.add('create')
    expect((await browser.ask('/')).body).toBe('Service Unavailable\n')
    while (stream?.destroyed !== true) await turn()
  })

  it('stores nothing for a stream that fails before its first byte, which Koa cuts off', async () => {
    const { browser, store } = await start((app) =>
      app.use((ctx) => {
        ctx.session.set('a', 1)
        ctx.body = new Readable({
          read() {
            this.destroy(new Error('no such file'))
          },
        })
      }),
    )
    await expect(browser.ask('/')).rejects.toThrow('socket hang up')
    expect(store.writes()).toBe(0)
  })

  it('commits before a head that the handler writes past Koa', async () => {
    const { browser, store } = await start((app) =>
      app.use((ctx) => {
        ctx.session.set('a', 1)
        ctx.respond = false
        ctx.res.writeHead(201, { 'content-type': 'text/plain' })
        ctx.res.end('raw')
      }),
    )
    const received = await browser.ask('/')
    expect([received.status, received.body, received.setCookies.length]).toEqual([201, 'raw', 1])
    expect(store.calls.create).toBe(1)
  })

  it('gives all code below it its session from the context, the innermost first', async () => {
    const { browser } = await start((app, { manager }) => {
      const inner = keep({ cookie: { name: '__Host-inner' } })
      app.use(sessions(inner.manager, { property: 'inner' })).use(async (ctx) => {
        await turn()
        const found = [getSession(manager), getSession(inner.manager), getSession()]
        const own: unknown[] = [ctx.session, ctx.inner, ctx.inner]
        ctx.body = found.map((session, at) => session === own[at])
      })
    })
    expect((await browser.ask('/')).json()).toEqual([true, true, true])
  })

  it('refuses a second manager under the same property', async () => {
    const errors: Error[] = []
    const { browser } = await start((app) => {
      app.use(sessions(keep({ cookie: { name: '__Host-other' } }).manager))
      app.on('error', (error: Error) => errors.push(error))
    })
    expect((await browser.ask('/')).status).toBe(500)
    expect(errors[0]?.message).toBe('ctx.session is taken: give this manager a property of its own')
  })

  it('keeps the address that Koa reads under its own proxy setting', async () => {
    const { browser, manager } = await start((app) => {
      app.proxy = true
      app.maxIpsCount = 1
    })
    await browser.ask('/in', { headers: { 'x-forwarded-for': '203.0.113.9, 198.51.100.4' } })
    expect((await manager.listSessions('ada'))[0]?.address).toBe('198.51.100.4')
  })

  it('believes no X-Forwarded-For where no proxy is trusted (R-040)', async () => {
    const { browser, manager } = await start(() => {})
    await browser.ask('/in', { headers: { 'x-forwarded-for': '203.0.113.9' } })
    expect((await manager.listSessions('ada'))[0]?.address).toMatch(/127\.0\.0\.1$/)
  })

  it('serves HTTP/2', async () => {
    const { manager } = keep()
    const app = new Koa().use(sessions(manager)).use((ctx) => {
      if (ctx.path === '/in') ctx.session.setUserId('ada')
      ctx.body = ctx.session.userId ?? 'nobody'
    })
    const server = createServer(app.callback())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) // listening on TCP
    onTestFinished(() => {
      client.destroy()
      server.close()
    })
    const ask = async (path: string, cookie = ''): Promise<[cookie: string, body: string]> => {
      const stream = client.request({ ':path': path, cookie })
      const [headers] = (await once(stream, 'response')) as [{ 'set-cookie'?: string[] }] // as node gives it
      let body = ''
      for await (const chunk of stream) body += String(chunk)
      return [headers['set-cookie']?.[0]?.split(';')[0] ?? '', body]
    }
    const [cookie] = await ask('/in')
    expect(await ask('/', cookie)).toEqual(['', 'ada'])
    expect(await ask('/')).toEqual(['', 'nobody'])
  })
})
