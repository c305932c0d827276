/** A Worker that runs the suites, one request each. What the runtime forbids at load would keep it from starting. */
import * as main from 'coatcheck'
import { generateKey, getSession, SessionManager } from 'coatcheck'
import * as express from 'coatcheck/adapters/express'
import * as expressGlobal from 'coatcheck/adapters/express/global'
import * as fastify from 'coatcheck/adapters/fastify'
import * as fastifyGlobal from 'coatcheck/adapters/fastify/global'
import * as fetchAdapter from 'coatcheck/adapters/fetch'
import * as hono from 'coatcheck/adapters/hono'
import * as koa from 'coatcheck/adapters/koa'
import * as node from 'coatcheck/adapters/node'
import * as embedded from 'coatcheck/stores/embedded'
import * as memory from 'coatcheck/stores/memory'
import * as postgres from 'coatcheck/stores/postgres'
import * as redis from 'coatcheck/stores/redis'
import * as testing from 'coatcheck/testing'
import pg from 'pg'
import { fetchHarnessOn } from '../../http/fetch-harness.ts'
import type { FetchHandler, FetchServer } from '../../http/fetch-server.ts'
import { honoHarnessOn } from '../../http/hono-harness.ts'
import { destination, type Service } from './fetch-wire.ts'
import { runSuite } from './suite.ts'
import { httpSuite, memorySuite, postgresSuite, SUITES, signInSuite } from './suites.ts'

/** What the tests bind. */
interface Env {
  /** This Worker. */
  readonly SELF: Service
  /** Runs a statement that is posted to it: the proxy of a test. */
  readonly SQL_URL: string
  readonly DATABASE_URL: string
}

interface Context {
  waitUntil(work: Promise<unknown>): void
}

const subpaths = {
  ...{ '.': main, './testing': testing },
  ...{ './stores/memory': memory, './stores/postgres': postgres, './stores/embedded': embedded },
  ...{ './stores/redis': redis },
  ...{ './adapters/node': node, './adapters/express': express, './adapters/express/global': expressGlobal },
  ...{ './adapters/fastify': fastify, './adapters/fastify/global': fastifyGlobal },
  ...{ './adapters/hono': hono, './adapters/koa': koa, './adapters/fetch': fetchAdapter },
}

/** A database behind HTTP, as drivers for Workers have it. */
function sqlOver(url: () => string): postgres.PostgresDatabase {
  return {
    async query(text, values) {
      const response = await fetch(url(), { method: 'POST', body: JSON.stringify({ text, values }) })
      if (!response.ok) throw Object.assign(new Error('the statement failed'), await response.json())
      return (await response.json()) as { rows: unknown[] } // as the proxy answers
    },
  }
}

const state: { handle?: FetchHandler; env?: Env; now: number } = { now: Date.UTC(2026, 0, 1) }

/** In the global scope, as an application has it: no random bytes, no timer, no I/O happens here. */
const manager = new SessionManager({
  store: new postgres.PostgresStore({ db: sqlOver(() => state.env?.SQL_URL ?? '') }),
  authKey: 'a key of the tests, and long enough for that',
  clock: () => state.now,
})

const application = fetchAdapter.sessions(
  manager,
  async (request: Request, _env: Env, _context: Context | undefined) => {
    const session = getSession(manager)
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/sign-in') session?.setUserId(searchParams.get('user') ?? undefined)
    if (pathname === '/count')
      await session?.update('count', (old) => (typeof old === 'number' ? old + 1 : 1))
    return Response.json({ userId: session?.userId, ...session?.values() })
  },
)

/** The server of the HTTP cases: whatever comes from outside of `/suites` and `/application`. */
const server: FetchServer = {
  listen: async (handle) => {
    state.handle = handle
    return { port: 0, close: async () => {} }
  },
  address: (request) => request.headers.get('cf-connecting-ip') ?? undefined,
}

async function runNamed(name: string, env: Env): Promise<Response> {
  const fetchHarness = fetchHarnessOn(server)
  const withPg = name.startsWith('pg: ')
  const client = new pg.Client({ connectionString: env.DATABASE_URL })
  if (withPg) await client.connect()
  const db = withPg ? client : sqlOver(() => env.SQL_URL)
  const suites = [
    httpSuite(SUITES.fetch, fetchHarness),
    httpSuite(
      SUITES.hono,
      honoHarnessOn(server, (c) => c.req.header('cf-connecting-ip')),
    ),
    memorySuite(),
    postgresSuite(db, 'no races'),
    signInSuite(fetchHarness, db),
  ]
  const suite = suites.find((it) => it.name === name.replace('pg: ', ''))
  const report = suite === undefined ? { error: `no suite is called ${name}` } : await runSuite(suite)
  if (withPg) await client.end()
  return Response.json(report)
}

const worker = {
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    state.env = env
    destination.service = env.SELF
    const { pathname, searchParams } = new URL(request.url)
    switch (pathname) {
      case '/names':
        return Response.json(
          Object.fromEntries(Object.entries(subpaths).map(([k, v]) => [k, Object.keys(v).sort()])),
        )
      case '/key':
        return new Response(generateKey())
      case '/suites':
        return runNamed(searchParams.get('name') ?? '', env)
      case '/advance':
        state.now += Number(searchParams.get('seconds')) * 1000
        return new Response()
    }
    const [, mount, rest = ''] = /^\/(application|without-context)(\/.*)$/.exec(pathname) ?? []
    if (mount !== undefined) {
      const moved = new Request(new URL(rest + new URL(request.url).search, request.url), request)
      return application(moved, env, mount === 'application' ? context : undefined)
    }
    // The handler of a case waits for the case, which is another request: without a timer of its own, workerd would
    // take it for one that hangs. It goes with the request.
    setTimeout(() => {}, 60_000)
    return state.handle?.(request, env, context) ?? new Response('no case is running', { status: 500 })
  },
}

export { worker as default }
