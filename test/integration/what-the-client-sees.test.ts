import { serve } from '@hono/node-server'
import { getSession, type SessionManager, withSession } from 'coatcheck'
import * as forExpress from 'coatcheck/adapters/express'
import * as forFastify from 'coatcheck/adapters/fastify'
import * as forFetch from 'coatcheck/adapters/fetch'
import * as forHono from 'coatcheck/adapters/hono'
import * as forKoa from 'coatcheck/adapters/koa'
import * as forNode from 'coatcheck/adapters/node'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Browser } from '../http/browser.ts'
import type { Values } from '../http/http-case.ts'
import { listen } from '../http/node-harness.ts'
import { keep } from '../http/node-server.ts'
import type { Received } from '../http/received.ts'

type Manager = SessionManager<Values>

interface Listening {
  readonly port: number
  close(): Promise<unknown>
}

/** An answer as a test compares it: its status, its body and its cookies. */
type Seen = readonly [status: number, body: unknown, setCookies: readonly string[]]

interface Framework {
  /** An application without any error handling of its own, in which every path does what {@link work} does. */
  readonly start: (manager: Manager) => Promise<Listening>
  /** What the client sees where the session cannot be loaded. */
  readonly notLoaded: Seen
  /** What it sees where `update()` throws in the handler. */
  readonly thrown: Seen
}

/** Signs in, or changes the session at once, or when the answer leaves. */
async function work(manager: Manager, path: string): Promise<string> {
  const session = getSession(manager)
  if (path === '/in') session?.setUserId('ada')
  if (path === '/update') await session?.update('a', () => 1)
  if (path === '/set') session?.set('a', 1)
  return 'done'
}

const SHORT: Seen = [503, 'Service Unavailable\n', []]
const ANY: Seen = [503, expect.any(String), []]

const fastifyAnswer = (message: string): Seen => [
  503,
  JSON.stringify({ statusCode: 503, code: 'ERR_SESSION_STORE', error: 'Service Unavailable', message }),
  [],
]

function serveFetch(fetch: (request: Request) => Response | Promise<Response>): Promise<Listening> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
      resolve({ port, close: () => new Promise((done) => server.close(done)) })
    })
  })
}

const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  Express: {
    start: (manager) => {
      const app = express().set('env', 'production') // or its error page has the stack
      app.use(forExpress.sessions(manager)).use(async (req, res) => {
        res.send(await work(manager, req.path))
      })
      return listen(app)
    },
    notLoaded: ANY,
    thrown: ANY,
  },
  'node, with a handler that reads the status': {
    start: (manager) => {
      const middleware = forNode.sessions(manager)
      return listen((request, response) => {
        const answer = async (): Promise<void> => {
          const session = await middleware(request, response)
          if (session === undefined) return // answered
          response.end(await withSession(session, () => work(manager, request.url ?? '')))
        }
        answer().catch((error: { status: number }) => response.writeHead(error.status).end('mine'))
      })
    },
    notLoaded: SHORT,
    thrown: [503, 'mine', []],
  },
  Fastify: {
    start: async (manager) => {
      const app = fastify()
      await app.register(forFastify.sessions(manager))
      app.get('/*', (request) => work(manager, request.url))
      await app.listen({ port: 0, host: '127.0.0.1' })
      const address = app.server.address() as { port: number } // listening on TCP
      return { port: address.port, close: () => app.close() }
    },
    notLoaded: fastifyAnswer('session store failed to get'),
    thrown: fastifyAnswer('session store failed to save'),
  },
  Hono: {
    start: (manager) => {
      const app = new Hono().use(forHono.sessions(manager))
      app.get('/*', async (c) => c.text(await work(manager, c.req.path)))
      return serveFetch(app.fetch)
    },
    notLoaded: SHORT,
    thrown: [500, 'Internal Server Error', []],
  },
  'Hono with an onError that reads the status': {
    start: (manager) => {
      const app = new Hono().use(forHono.sessions(manager))
      app.get('/*', async (c) => c.text(await work(manager, c.req.path)))
      app.onError((error) => new Response('mine', { status: 'status' in error ? Number(error.status) : 500 }))
      return serveFetch(app.fetch)
    },
    notLoaded: [503, 'mine', []],
    thrown: [503, 'mine', []],
  },
  Koa: {
    start: (manager) => {
      const app = new Koa().use(forKoa.sessions(manager))
      app.silent = true // the error handler prints nothing
      app.use(async (ctx) => {
        ctx.body = await work(manager, ctx.path)
      })
      return listen(app.callback())
    },
    notLoaded: [503, 'Service Unavailable', []],
    thrown: [503, 'Service Unavailable', []],
  },
  'fetch, served by @hono/node-server': {
    start: (manager) => {
      const handle = forFetch.sessions(manager, async (request: Request) => {
        return new Response(await work(manager, new URL(request.url).pathname))
      })
      return serveFetch((request) => handle(request))
    },
    notLoaded: SHORT,
    thrown: [500, '', []],
  },
}

function seen({ status, body, setCookies }: Received): Seen {
  return [status, body, setCookies]
}

describe('what the client sees, without error handling of the application', () => {
  for (const [name, { start, notLoaded, thrown }] of Object.entries(FRAMEWORKS)) {
    it(`${name}: a session that cannot be loaded, an update() that throws, a commit that fails`, async () => {
      const spy = vi.spyOn(console, 'error').mockImplementation(() => {}) // what Hono logs
      onTestFinished(() => spy.mockRestore())
      const { manager, store } = keep()
      const { port, close } = await start(manager)
      const browser = new Browser(port)
      onTestFinished(async () => {
        browser.close()
        await close()
      })
      expect((await browser.ask('/in')).body).toBe('done')
      const failing = async (method: 'get' | 'save', path: string): Promise<Seen> => {
        store.failing.add(method)
        const received = await browser.ask(path)
        store.failing.clear()
        return seen(received)
      }
      expect(await failing('get', '/')).toEqual(notLoaded)
      expect(await failing('save', '/update')).toEqual(thrown)
      expect(await failing('save', '/set')).toEqual(SHORT)
      expect(seen(await browser.ask('/set'))).toEqual([200, 'done', []])
    })
  }
})
