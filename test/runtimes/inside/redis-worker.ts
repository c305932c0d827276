/** A Worker with its sessions in Redis. It runs the suites too, one request each. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { getSession, SessionManager } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { type Ioredis, type NodeRedis, RedisStore } from 'coatcheck/stores/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { fetchHarnessOn } from '../../http/fetch-harness.ts'
import type { FetchHandler, FetchServer } from '../../http/fetch-server.ts'
import { destination, type Service } from './fetch-wire.ts'
import { runSuite } from './suite.ts'
import { redisSuite, SUITES, signInRedisSuite } from './suites.ts'

/** What the tests bind. */
interface Env {
  /** This Worker. */
  readonly SELF: Service
  readonly REDIS_URL: string
}

interface Context {
  waitUntil(work: Promise<unknown>): void
}

/** The connections of one request. Each is opened by the first command, and goes with the request. */
interface Connections {
  readonly ioredis: Redis
  readonly nodeRedis: NodeRedis
}

function openConnections(url: string): Connections {
  const ioredis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  ioredis.on('error', () => {}) // the command rejects with it too
  const nodeRedis = createClient({ url, socket: { reconnectStrategy: false } })
  nodeRedis.on('error', () => {})
  let connected: Promise<unknown> | undefined
  return {
    ioredis,
    nodeRedis: {
      async sendCommand(args, options) {
        connected ??= nodeRedis.connect()
        await connected
        return nodeRedis.sendCommand(args, options)
      },
    },
  }
}

const connections = new AsyncLocalStorage<Connections>()

function ofThisRequest(): Connections {
  const own = connections.getStore()
  if (own === undefined) throw new Error('there is no request')
  return own
}

const ioredis: Ioredis = { call: async (...command) => ofThisRequest().ioredis.call(...command) }
const nodeRedis: NodeRedis = {
  sendCommand: async (...command) => ofThisRequest().nodeRedis.sendCommand(...command),
}

const state: { handle?: FetchHandler } = {}

const manager = new SessionManager({
  store: new RedisStore({ client: ioredis, prefix: 'application:', timeout: 1 }),
  authKey: 'a key of the tests, and long enough for that',
  touchInterval: 0.001, // nearly every read is a touch
  cleanupInterval: 0,
})

const application = sessions(manager, async (request: Request, _env: Env, _context: Context | undefined) => {
  const session = getSession(manager)
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === '/application/sign-in') session?.setUserId(searchParams.get('user') ?? undefined)
  if (pathname === '/application/sign-out') session?.destroy()
  if (pathname === '/application/count')
    await session?.update('count', (old) => (typeof old === 'number' ? old + 1 : 1))
  return Response.json({ userId: session?.userId, ...session?.values() })
})

/** The server of the sign-in suite: whatever comes from outside of `/suites` and `/application`. */
const server: FetchServer = {
  listen: async (handle) => {
    state.handle = handle
    return { port: 0, close: async () => {} }
  },
  address: (request) => request.headers.get('cf-connecting-ip') ?? undefined,
}

async function runNamed(name: string): Promise<Response> {
  const suites = [
    redisSuite(SUITES.ioredisAlone, ioredis),
    redisSuite(SUITES.nodeRedisAlone, nodeRedis),
    signInRedisSuite(fetchHarnessOn(server), ioredis),
  ]
  const suite = suites.find((it) => it.name === name)
  return Response.json(suite === undefined ? { error: `no suite is called ${name}` } : await runSuite(suite))
}

async function answer(request: Request, env: Env, context: Context): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === '/suites') return runNamed(searchParams.get('name') ?? '')
  if (pathname.startsWith('/application/')) return application(request, env, context)
  // As in worker.ts: without a timer of its own, workerd would take it for a request that hangs.
  setTimeout(() => {}, 60_000)
  return state.handle?.(request, env, context) ?? new Response('no case is running', { status: 500 })
}

const worker = {
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    destination.service = env.SELF
    return connections.run(openConnections(env.REDIS_URL), () => answer(request, env, context))
  },
}

export { worker as default }
