import { once } from 'node:events'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import cookies from '@fastify/cookie'
import { getSession, type Session, StoreError } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fastify'
import 'coatcheck/adapters/fastify/global'
import { type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import { type Kept, keep } from '../http/node-server.ts'

interface Running extends Kept {
  readonly app: FastifyInstance
  readonly browser: Browser
}

/** An application in which GET /in signs in. */
async function start(
  mount: (app: FastifyInstance, kept: Kept) => unknown,
  { kept = keep(), options = {} }: { kept?: Kept; options?: FastifyServerOptions } = {},
): Promise<Running> {
  const app = fastify({ forceCloseConnections: true, ...options })
  void app.register(sessions(kept.manager)) // awaited by listen(), like all that follows
  app.get('/in', async (request) => request.session.setUserId('ada').userId)
  mount(app, kept)
  return { ...kept, app, browser: await listen(app) }
}

async function listen(app: FastifyInstance): Promise<Browser> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const browser = new Browser(portOf(app))
  onTestFinished(async () => {
    browser.close()
    await app.close()
  })
  return browser
}

function portOf(app: { readonly server: { address(): unknown } }): number {
  return (app.server.address() as AddressInfo).port // listening on TCP
}

describe('sessions(manager) of coatcheck/adapters/fastify', () => {
  it("goes by the status of Fastify's own error answer, and of the error handler's", async () => {
    const { browser, store } = await start((app) => {
      app.get('/bad', async (request) => {
        request.session.set('a', 1)
        throw new Error('failed')
      })
      void app.register(async (scope) => {
        scope.setErrorHandler((error: Error, _request, reply) =>
          reply.code(Number(error.message)).send('handled'),
        )
        scope.get('/:status', async (request: { session: Session; params: unknown }) => {
          request.session.set('a', 1)
          throw new Error((request.params as { status: string }).status) // of the route
        })
      })
    })
    for (const path of ['/bad', '/502']) {
      const received = await browser.ask(path)
      expect([path, received.setCookies, received.headers.vary]).toEqual([path, [], 'Cookie'])
    }
    expect(store.writes()).toBe(0)
    const received = await browser.ask('/422')
    expect([received.status, received.body, received.setCookies.length]).toEqual([422, 'handled', 1])
    expect(store.calls.create).toBe(1)
  })

  it('sends the deletion cookie with the error answer of a handler that failed after its destroy', async () => {
    const { browser, manager } = await start((app) =>
      app.get('/', async (request) => {
        request.session.destroy()
        throw new Error('failed')
      }),
    )
    await browser.ask('/in')
    expect((await browser.ask('/')).status).toBe(500)
    expect(browser.jar.size).toBe(0)
    expect(await manager.listSessions('ada')).toEqual([])
  })

  it('gives a store that fails on the way in to the error handling, with its status', async () => {
    const errors: unknown[] = []
    const { browser, store } = await start((app) => {
      void app.register(async (scope) => {
        scope.setErrorHandler((error, request, reply) => {
          errors.push(error, request.session)
          return reply.code(503).send('come back later')
        })
        scope.get('/own', async () => 'handled')
      })
    })
    await browser.ask('/in')
    store.failing.add('get')
    const plain = await browser.ask('/in')
    expect([plain.status, plain.headers.vary, plain.json()]).toEqual([
      503,
      'Cookie',
      expect.objectContaining({ code: 'ERR_SESSION_STORE', message: 'session store failed to get' }),
    ])
    const own = await browser.ask('/own')
    expect([own.status, own.body]).toEqual([503, 'come back later'])
    expect(errors[0]).toBeInstanceOf(StoreError)
    expect(errors[1]).toBeNull()
  })

  it('answers itself if the commit fails, for every kind of payload', async () => {
    const payloads: Record<string, () => unknown> = {
      text: () => 'saved',
      buffer: () => Buffer.from('saved'),
      json: () => ({ saved: true }),
      stream: () => Readable.from(['sa', 'ved']),
      web: () => new Blob(['saved']).stream(),
      response: () => new Response('saved', { headers: { etag: '"2"' } }),
      nothing: () => undefined,
    }
    const { browser, store } = await start((app) => {
      app.get('/:kind', (request, reply) => {
        request.session.set('a', 1)
        void reply.header('etag', '"1"').header('x-frame-options', 'DENY').code(201)
        void reply.send(payloads[(request.params as { kind: string }).kind]?.()) // of the route
      })
    })
    store.failing.add('create')
    for (const kind of Object.keys(payloads)) {
      const received = await browser.ask(`/${kind}`)
      expect([kind, received.status, received.body]).toEqual([kind, 503, 'Service Unavailable\n'])
      expect([received.headers.etag, received.headers['x-frame-options']]).toEqual([undefined, 'DENY'])
      expect(received.setCookies).toEqual([])
    }
    store.failing.clear()
    for (const kind of Object.keys(payloads)) {
      const received = await browser.ask(`/${kind}`, { cookie: '' })
      expect([kind, received.setCookies.length]).toEqual([kind, 1])
      expect(received.body).toBe({ json: '{"saved":true}', nothing: '' }[kind] ?? 'saved')
    }
  })

  it('stops the stream of an answer whose commit failed', async () => {
    const stream = new Readable({ read() {} })
    const { browser, store } = await start((app) =>
      app.get('/', async (request) => {
        request.session.set('a', 1)
        stream.push('secret')
        return stream
      }),
    )
    store.failing.add('create')
    expect((await browser.ask('/')).body).toBe('Service Unavailable\n')
    while (!stream.destroyed) await turn()
  })

  it('goes by the status that leaves, though it is only known after onSend', async () => {
    const { browser, store } = await start((app) => {
      app.addHook('onRequest', async (request) => {
        if (request.url !== '/in') request.session.set('a', 1)
      })
      app.get('/stream', async () => {
        return new Readable({
          read() {
            this.destroy(new Error('no such file'))
          },
        })
      })
      app.get('/response', async () => new Response('down', { status: 503 }))
      void app.register(async (scope) => {
        scope.addHook('onSend', async () => {
          throw new Error('a later hook')
        })
        scope.get('/hook', async () => 'saved')
      })
    })
    for (const [path, status] of Object.entries({ '/stream': 500, '/response': 503, '/hook': 500 })) {
      const received = await browser.ask(path)
      expect([path, received.status, received.setCookies]).toEqual([path, status, []])
    }
    expect(store.writes()).toBe(0)
  })

  it('sends no-store with its cookie, whatever the payload or a later hook says of caching', async () => {
    const { browser } = await start((app) => {
      app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'public'))
      app.get('/', async (request) => {
        request.session.renew().set('a', 1)
        return new Response('body', { headers: { 'cache-control': 'max-age=60', vary: 'Accept' } })
      })
    })
    const { headers } = await browser.ask('/')
    expect([headers['cache-control'], headers.vary]).toEqual(['no-store', 'Accept, Cookie'])
  })

  it('commits what onSend hooks change, and onResponse comes too late', async () => {
    const late: unknown[] = []
    const { browser } = await start((app) => {
      app.addHook('onSend', async (request) => void request.session.set('sent', request.url))
      app.addHook('onResponse', async (request) => {
        try {
          request.session.set('late', 1)
        } catch (error) {
          late.push((error as { code: string }).code) // a StateError
        }
      })
      app.get('/', async (request) => request.session.values())
    })
    await browser.ask('/in')
    expect((await browser.ask('/')).json()).toEqual({ sent: '/in' })
    while (late.length < 2) await turn()
    expect(late).toEqual(['ERR_SESSION_STATE', 'ERR_SESSION_STATE'])
  })

  it('holds the head of a reply that is hijacked, and of one that is written past Fastify', async () => {
    const { browser, store } = await start((app) => {
      app.get('/:how', (request, reply) => {
        request.session.set('a', 1)
        if (request.url === '/hijack') reply.hijack()
        reply.raw.writeHead(201, { 'content-type': 'text/plain' })
        reply.raw.write('raw ')
        reply.raw.end('body')
      })
    })
    for (const how of ['hijack', 'raw']) {
      const received = await browser.ask(`/${how}`, { cookie: '' })
      expect([received.status, received.body, received.setCookies.length]).toEqual([201, 'raw body', 1])
    }
    expect(store.calls.create).toBe(2)
    store.failing.add('create')
    for (const how of ['hijack', 'raw']) {
      const received = await browser.send(`/${how}`, { cookie: '' })
      expect([received.status, received.body]).toEqual([503, 'Service Unavailable\n'])
    }
  })

  it('counts in the scope that registers it, and nowhere else', async () => {
    const { manager } = keep()
    const app = fastify()
    void app.register(async (scope) => {
      void scope.register(sessions(manager))
      scope.get('/inside', async (request) => request.session.id)
      void scope.register(async (inner) => {
        inner.get('/deeper', async (request) => request.session.id)
      })
    })
    app.get('/outside', async (request) => ({ has: 'session' in request, found: getSession() === undefined }))
    const browser = await listen(app)
    for (const path of ['/inside', '/deeper'])
      expect((await browser.ask(path)).body).toMatch(/^[\da-f-]{36}$/)
    const outside = await browser.ask('/outside')
    expect([outside.json(), outside.headers.vary]).toEqual([{ has: false, found: true }, undefined])
  })

  it('is one session where it is registered twice, in one scope or in two', async () => {
    const { browser, store, app } = await start((app, { manager }) => {
      void app.register(sessions(manager))
      void app.register(async (scope) => {
        void scope.register(sessions(manager))
        scope.get('/', async (request) => request.session.set('a', 1).id)
      })
    })
    expect((await browser.ask('/')).setCookies.length).toBe(1)
    expect(store.writes()).toBe(1)
    expect(app.hasPlugin('coatcheck')).toBe(true)
  })

  it('refuses a property that somebody else uses', async () => {
    const { browser } = await start((app) => {
      void app.register(sessions(keep({ cookie: { name: '__Host-other' } }).manager))
    })
    expect((await browser.ask('/in')).json()).toMatchObject({
      code: 'ERR_SESSION_STATE',
      message: 'request.session is taken: give this manager a property of its own',
    })
  })

  it('gives every hook and handler its session from the context, the innermost first, after a body as well', async () => {
    const inner = keep({ cookie: { name: '__Host-inner' } })
    const seen: unknown[][] = []
    const { app } = await start((app, { manager }) => {
      void app.register(sessions(inner.manager, { property: 'inner' }))
      const look = (hook: string, request: { session: Session }) => {
        const own = (request as unknown as { inner: Session }).inner // registered above
        const found = [getSession(manager), getSession(inner.manager), getSession()]
        seen.push([hook, ...found.map((session, at) => session === [request.session, own, own][at])])
      }
      void app.register(async (scope) => {
        scope.addHook('preValidation', async (request) => look('preValidation', request))
        scope.addHook('preHandler', async (request) => look('preHandler', request))
        scope.addHook('onSend', async (request) => look('onSend', request))
        scope.all('/', async (request) => {
          await turn()
          look('handler', request)
          return request.body ?? 'none'
        })
      })
    })
    for (const method of ['GET', 'POST']) {
      seen.length = 0
      // Larger than what comes with the head.
      const text = JSON.stringify({ text: 'x'.repeat(200_000) })
      const body = method === 'GET' ? {} : { body: text, headers: { 'content-type': 'application/json' } }
      const response = await fetch(`http://127.0.0.1:${portOf(app)}/`, { method, ...body })
      expect((await response.text()).length).toBe(method === 'GET' ? 4 : text.length)
      expect(seen).toEqual(
        ['preValidation', 'preHandler', 'handler', 'onSend'].map((hook) => [hook, true, true, true]),
      )
    }
  })

  it('leaves the cookies of @fastify/cookie beside its own', async () => {
    const { browser } = await start((app) => {
      void app.register(cookies)
      app.get('/', async (request, reply) => {
        request.session.set('a', 1)
        void reply.setCookie('theme', 'dark').setCookie('lang', 'en')
        return reply.send('body')
      })
    })
    const { setCookies } = await browser.ask('/')
    expect(setCookies.map((line) => line.split('=')[0])).toEqual(['theme', 'lang', '__Host-id'])
  })

  it('answers an error, and not with silence, where node refuses the head', async () => {
    const { browser, store } = await start((app) => {
      app.get('/', async (request, reply) => {
        request.session.set('a', 1)
        return reply.header('x-bad', 'two\nlines').send('body')
      })
    })
    const received = await browser.ask('/')
    expect([received.status, received.setCookies, store.writes()]).toEqual([500, [], 0])
  })

  it('commits where there is no such route', async () => {
    const { browser } = await start((app) => {
      app.addHook('preHandler', async (request) => void request.session.set('seen', request.url))
    })
    const received = await browser.ask('/nowhere')
    expect([received.status, received.setCookies.length]).toEqual([404, 1])
  })

  it('works under inject()', async () => {
    const { app } = await start((app) => app.get('/', async (request) => request.session.userId ?? 'nobody'))
    const signedIn = await app.inject('/in')
    const cookie = String(signedIn.headers['set-cookie']).split(';')[0] ?? ''
    expect(cookie).toMatch(/^__Host-id=/)
    expect((await app.inject({ url: '/', headers: { cookie } })).body).toBe('ada')
  })

  it('keeps the address that Fastify reads under its own proxy setting', async () => {
    const { browser, manager } = await start(() => {}, { options: { trustProxy: '127.0.0.1' } })
    await browser.ask('/in', { headers: { 'x-forwarded-for': '203.0.113.9, 198.51.100.4' } })
    expect((await manager.listSessions('ada'))[0]?.address).toBe('198.51.100.4')
  })

  it('believes no X-Forwarded-For where no proxy is trusted (R-040)', async () => {
    const { browser, manager } = await start(() => {})
    await browser.ask('/in', { headers: { 'x-forwarded-for': '203.0.113.9' } })
    expect((await manager.listSessions('ada'))[0]?.address).toMatch(/127\.0\.0\.1$/)
  })

  it('serves HTTP/2, streams and refusals included', async () => {
    const { manager, store } = keep()
    const app = fastify({ http2: true })
    void app.register(sessions(manager))
    app.get('/in', async (request) => request.session.setUserId('ada').userId)
    app.get('/large', async (request) => {
      request.session.set('a', 1)
      return 'x'.repeat(200_000)
    })
    app.get('/stream', async (request) => {
      request.session.set('b', 1)
      return Readable.from(['one ', 'two'])
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const client = connect(`http://127.0.0.1:${portOf(app)}`)
    onTestFinished(async () => {
      client.destroy()
      await app.close()
    })
    const ask = async (path: string, cookie = '') => {
      const stream = client.request({ ':path': path, cookie })
      const [headers] = (await once(stream, 'response')) as [Record<string, string | string[] | number>] // as node gives it
      let body = ''
      for await (const chunk of stream) body += String(chunk)
      return { status: headers[':status'], setCookie: headers['set-cookie']?.toString() ?? '', body }
    }
    const signedIn = await ask('/in')
    const cookie = signedIn.setCookie.split(';')[0]
    expect([signedIn.body, cookie?.split('=')[0]]).toEqual(['ada', '__Host-id'])
    expect((await ask('/large', cookie)).body.length).toBe(200_000)
    expect(await ask('/stream', cookie)).toEqual({ status: 200, setCookie: '', body: 'one two' })
    expect(store.calls.save).toBe(2)
    store.failing.add('save')
    for (const path of ['/large', '/stream'])
      expect(await ask(path, cookie)).toMatchObject({ status: 503, body: 'Service Unavailable\n' })
  })
})
