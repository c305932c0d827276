import { createServer, request as forward, type IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import fastifyCompress from '@fastify/compress'
import fastifyHelmet from '@fastify/helmet'
import { serve } from '@hono/node-server'
import { getSession, type SessionManager } from 'coatcheck'
import * as forExpress from 'coatcheck/adapters/express'
import * as forFastify from 'coatcheck/adapters/fastify'
import * as forFetch from 'coatcheck/adapters/fetch'
import * as forHono from 'coatcheck/adapters/hono'
import * as forKoa from 'coatcheck/adapters/koa'
import * as forNode from 'coatcheck/adapters/node'
import compression from 'compression'
import express from 'express'
import { fastify } from 'fastify'
import helmet from 'helmet'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { secureHeaders } from 'hono/secure-headers'
import Koa from 'koa'
import koaBodyparser from 'koa-bodyparser'
import koaCompress from 'koa-compress'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Values } from '../http/http-case.ts'
import { listen } from '../http/node-harness.ts'
import { keep } from '../http/node-server.ts'

type Manager = SessionManager<Values>
type Order = 'before' | 'after'

interface Listening {
  readonly port: number
  close(): Promise<unknown>
}

/** More than any of them sends as it is. */
const LONG = 'the coat stays with us. '.repeat(500)

/** What a path answers. */
const BODIES: Readonly<Record<string, () => string | Readable>> = {
  '/short': () => 'short',
  '/long': () => LONG,
  '/stream': () => Readable.from([LONG.slice(0, 5000), LONG.slice(5000)]),
}

/** Changes the session, and makes the body of the answer. */
function answer(manager: Manager, path: string): string | Readable {
  const session = getSession(manager)
  if (path === '/short') session?.setUserId('ada')
  else session?.set('a', 1)
  return BODIES[path]?.() ?? ''
}

function onHono(app: Hono): Promise<Listening> {
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
      resolve({ port, close: () => new Promise((done) => server.close(done)) })
    })
  })
}

async function onFastify(app: ReturnType<typeof fastify>): Promise<Listening> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number } // listening on TCP
  return { port, close: () => app.close() }
}

function inOrder<T>(order: Order, ours: T, theirs: T): [T, T] {
  return order === 'before' ? [ours, theirs] : [theirs, ours]
}

/** An application of each framework, with its compression and its security headers before or after the session. */
const FRAMEWORKS: Readonly<Record<string, (manager: Manager, order: Order) => Promise<Listening>>> = {
  'compression and helmet, under Express': (manager, order) => {
    const app = express()
    const [first, second] = inOrder(
      order,
      [forExpress.sessions(manager)],
      [compression(), helmet()] as express.RequestHandler[], // each of them is one
    )
    app.use(...first).use(...second)
    app.get('/*path', (req, res) => {
      const body = answer(manager, req.path)
      if (typeof body === 'string') res.send(body)
      else body.pipe(res.type('text'))
    })
    return listen(app)
  },
  '@fastify/compress and @fastify/helmet, under Fastify': async (manager, order) => {
    const app = fastify()
    if (order === 'before') await app.register(forFastify.sessions(manager))
    await app.register(fastifyCompress)
    await app.register(fastifyHelmet)
    if (order === 'after') await app.register(forFastify.sessions(manager))
    app.get('/*', (request, reply) => reply.type('text/plain').send(answer(manager, request.url)))
    return onFastify(app)
  },
  'hono/compress and hono/secure-headers, under Hono': (manager, order) => {
    const app = new Hono()
    if (order === 'before') app.use(forHono.sessions(manager))
    app.use(compress()).use(secureHeaders())
    if (order === 'after') app.use(forHono.sessions(manager))
    app.get('/*', (c) => {
      const body = answer(manager, c.req.path)
      return typeof body === 'string' ? c.text(body) : c.body(Readable.toWeb(body) as ReadableStream) // of node's own
    })
    return onHono(app)
  },
  'koa-compress, under Koa': (manager, order) => {
    const app = new Koa()
    app.silent = true // its error handler prints nothing
    const [first, second] = inOrder<Koa.Middleware>(order, forKoa.sessions(manager), koaCompress())
    app
      .use(first)
      .use(second)
      .use((ctx) => {
        ctx.set('X-Content-Type-Options', 'nosniff')
        ctx.type = 'text'
        ctx.body = answer(manager, ctx.path)
      })
    return listen(app.callback())
  },
}

/** Asks as browsers do: with every encoding, and the cookie. */
async function ask(port: number, path: string, cookie: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { cookie, ...init.headers } })
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

async function start(run: (manager: Manager) => Promise<Listening>) {
  const kept = keep()
  const { port, close } = await run(kept.manager)
  onTestFinished(async () => void (await close()))
  return { ...kept, port }
}

for (const [name, run] of Object.entries(FRAMEWORKS)) {
  for (const order of ['before', 'after'] as const) {
    describe(`sessions(manager), mounted ${order} ${name}`, () => {
      it('commits before the head of an answer, compressed or not, and puts its cookie on it', async () => {
        const { port, store } = await start((manager) => run(manager, order))
        const signedIn = await ask(port, '/short', '')
        expect([signedIn.status, await signedIn.text()]).toEqual([200, 'short'])
        const cookie = cookieOf(signedIn)
        expect(cookie).toMatch(/^__Host-id=/)
        for (const path of ['/long', '/stream']) {
          const response = await ask(port, path, cookie)
          expect([path, response.headers.get('content-encoding')]).not.toEqual([path, null])
          expect(response.headers.get('vary')?.toLowerCase()).toMatch(/cookie/)
          expect(response.headers.get('vary')?.toLowerCase()).toMatch(/accept-encoding/)
          expect(await response.text()).toBe(LONG)
        }
        expect(store.calls.save).toBe(2)
        const stranger = await ask(port, '/long', '')
        expect([cookieOf(stranger).length > 0, await stranger.text()]).toEqual([true, LONG])
      })

      it('answers a commit that fails in plain text, and leaves the security headers there', async () => {
        const { port, store } = await start((manager) => run(manager, order))
        const cookie = cookieOf(await ask(port, '/short', ''))
        store.failing.add('save')
        for (const path of ['/long', '/stream']) {
          const response = await ask(port, path, cookie)
          expect([path, response.status, await response.text()]).toEqual([path, 503, 'Service Unavailable\n'])
          expect(response.headers.get('content-encoding')).toBeNull()
          expect(response.headers.get('x-content-type-options')).toBe('nosniff')
          if (!name.startsWith('koa')) expect(response.headers.get('x-frame-options')).toBe('SAMEORIGIN')
          expect(response.headers.getSetCookie()).toEqual([])
        }
        store.failing.clear()
        expect(await (await ask(port, '/long', cookie)).text()).toBe(LONG) // the connection is sound
      })
    })

    describe(`sessions(manager), mounted ${order} a body parser`, () => {
      const post = (port: number, cookie: string, body: string, type = 'application/json') =>
        ask(port, '/', cookie, { method: 'POST', body, headers: { 'content-type': type } })

      const applications: Readonly<Record<string, (manager: Manager) => Promise<Listening>>> = {
        'express.json and express.urlencoded': (manager) => {
          const app = express()
          const parsers = [express.json(), express.urlencoded()] as express.RequestHandler[] // each of them is one
          const [first, second] = inOrder(order, [forExpress.sessions(manager)], parsers)
          app.use(...first).use(...second)
          app.post('/', (req, res) => {
            res.json(getSession(manager)?.set('a', Number(req.body.a)).values())
          })
          return listen(app)
        },
        'koa-bodyparser': (manager) => {
          const app = new Koa()
          app.silent = true // its error handler prints nothing
          const [first, second] = inOrder<Koa.Middleware>(order, forKoa.sessions(manager), koaBodyparser())
          app
            .use(first)
            .use(second)
            .use((ctx) => {
              const { a } = ctx.request.body as { a: unknown } // as the test sends it
              ctx.body = getSession(manager)?.set('a', Number(a)).values()
            })
          return listen(app.callback())
        },
      }
      for (const [parser, application] of Object.entries(applications)) {
        it(`${parser}: each reads its own, and what cannot be parsed changes nothing`, async () => {
          const { port, store } = await start(application)
          const first = await post(port, '', '{"a":1}')
          expect([first.status, await first.json()]).toEqual([200, { a: 1 }])
          const cookie = cookieOf(first)
          expect(await (await post(port, cookie, 'a=2', 'application/x-www-form-urlencoded')).json()).toEqual(
            {
              a: 2,
            },
          )
          store.forget()
          const bad = await post(port, cookie, '{"a":')
          expect([bad.status, bad.headers.getSetCookie(), store.writes()]).toEqual([400, [], 0])
        })
      }
    })
  }
}

/** Where the proxy says that its clients are. */
const CLIENT = '203.0.113.9'

/** A reverse proxy as most are: it appends the client's address to what came, and says which host and scheme were asked. */
async function startProxy(target: number): Promise<number> {
  const server = createServer((request, response) => {
    const came = request.headers['x-forwarded-for']
    const headers = {
      ...request.headers,
      'x-forwarded-for': came === undefined ? CLIENT : `${came}, ${CLIENT}`,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example',
    }
    const { method, url: path } = request
    const onward = forward({ host: '127.0.0.1', port: target, method, path, headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as { port: number }).port // listening on TCP
}

/** The last entry is what the proxy itself saw. */
function lastForwarded(header: string | undefined): string | undefined {
  return header?.split(',').at(-1)?.trim()
}

/** One application of each framework, which trusts the proxy before it, or does not. GET / signs in. */
const BEHIND_A_PROXY: Readonly<Record<string, (manager: Manager, trusts: boolean) => Promise<Listening>>> = {
  Express: (manager, trusts) => {
    const app = express().set('trust proxy', trusts ? 1 : false)
    app.use(forExpress.sessions(manager)).get('/', (_req, res) => {
      res.send(getSession(manager)?.setUserId('ada').userId)
    })
    return listen(app)
  },
  node: (manager, trusts) => {
    const address = (request: { headers: IncomingHttpHeaders }) =>
      lastForwarded(String(request.headers['x-forwarded-for']))
    const middleware = forNode.sessions(manager, trusts ? { address } : {})
    return listen((request, response) => {
      void middleware(request, response).then((session) => response.end(session?.setUserId('ada').userId))
    })
  },
  Fastify: async (manager, trusts) => {
    const app = fastify({ trustProxy: trusts ? '127.0.0.1' : false })
    await app.register(forFastify.sessions(manager))
    app.get('/', async () => getSession(manager)?.setUserId('ada').userId)
    return onFastify(app)
  },
  Hono: (manager, trusts) => {
    const options = {
      address: (c: { req: { header(name: string): string | undefined } }) =>
        lastForwarded(c.req.header('x-forwarded-for')),
    }
    const app = new Hono()
    app.use(forHono.sessions(manager, trusts ? options : {}))
    app.get('/', (c) => c.text(getSession(manager)?.setUserId('ada').userId ?? ''))
    return onHono(app)
  },
  Koa: (manager, trusts) => {
    const app = new Koa({ proxy: trusts, maxIpsCount: 1 })
    app.use(forKoa.sessions(manager)).use((ctx) => {
      ctx.body = ctx.session.setUserId('ada').userId
    })
    return listen(app.callback())
  },
  fetch: (manager, trusts) => {
    const handler = () => new Response(getSession(manager)?.setUserId('ada').userId)
    const address = (request: Request, incoming: { socket: { remoteAddress?: string } }) =>
      trusts
        ? lastForwarded(request.headers.get('x-forwarded-for') ?? undefined)
        : incoming.socket.remoteAddress
    const handle = forFetch.sessions(
      manager,
      (_request: Request, _incoming: { socket: { remoteAddress?: string } }) => handler(),
      { address },
    )
    return new Promise((resolve) => {
      const fetch = (request: Request, { incoming }: { incoming: { socket: { remoteAddress?: string } } }) =>
        handle(request, incoming)
      const server = serve({ fetch: fetch as never, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
        resolve({ port, close: () => new Promise((done) => server.close(done)) })
      })
    })
  },
}

describe('behind a reverse proxy that sets forwarded headers', () => {
  for (const [name, run] of Object.entries(BEHIND_A_PROXY)) {
    it(`${name} keeps the address of the client where the proxy is trusted, whatever the client claims (R-040)`, async () => {
      const { port, manager } = await start((manager) => run(manager, true))
      const proxy = await startProxy(port)
      const signedIn = await ask(proxy, '/', '')
      expect([signedIn.status, await signedIn.text()]).toEqual([200, 'ada'])
      await ask(proxy, '/', '', { headers: { 'x-forwarded-for': '198.51.100.1' } })
      const again = await ask(proxy, '/', cookieOf(signedIn)) // the same session: the cookie went through
      expect(await again.text()).toBe('ada')
      const addresses = (await manager.listSessions('ada')).map(({ address }) => address)
      expect(addresses).toEqual([CLIENT, CLIENT])
    })

    it(`${name} keeps that of the proxy where it is not (R-040)`, async () => {
      const { port, manager } = await start((manager) => run(manager, false))
      const proxy = await startProxy(port)
      await ask(proxy, '/', '', { headers: { 'x-forwarded-for': '198.51.100.1' } })
      const addresses = (await manager.listSessions('ada')).map(({ address }) => address)
      expect(addresses).toEqual([expect.stringMatching(/127\.0\.0\.1$/)])
    })
  }
})
