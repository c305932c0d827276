import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import v8 from 'node:v8'
import { generateKey, type Session, SessionManager } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/node'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { Draft } from '../../src/internal/draft.ts'
import { StagedSession } from '../../src/internal/staged-session.ts'

// Run by soak.test.ts as a process of its own, so that nothing but the server is measured. A line on standard input
// asks for a sample, which is answered as a line of JSON.

interface Values {
  count: number
  text: string
}

/** What is alive in this process, once all garbage has been collected. */
export interface Sample {
  readonly heapUsed: number
  readonly rss: number
  readonly drafts: number
  readonly sessions: number
  readonly promises: number
  readonly timers: number
  readonly listeners: number
  readonly connections: number
  readonly failures: readonly string[]
}

type Deed = (session: Session<Values>, argument: string, manager: SessionManager<Values>) => unknown

const DEEDS: Readonly<Record<string, Deed>> = {
  read: (session) => session.get('text'),
  write: (session, argument) => session.set('text', argument.padEnd(200, '.')),
  update: (session) => session.update('count', (old = 0) => old + 1).catch(ignoreConflict),
  renew: (session) => session.renew(),
  'sign-in': (session, argument) => session.setUserId(argument),
  'sign-out': (session) => session.destroy(),
  list: (session, _argument, manager) => manager.listSessions(session.userId ?? 'nobody', { limit: 10 }),
  revoke: (session, _argument, manager) => manager.revoke(session.userId ?? 'nobody', session.id),
  'revoke-all': (_session, argument, manager) => manager.revokeAll(argument),
}

/** An update of a session that another request ended is what it should be: refused. */
function ignoreConflict(error: { readonly code?: string }): void {
  if (error.code !== 'ERR_SESSION_CONFLICT' && error.code !== 'ERR_SESSION_STATE') throw error
}

const pool = new pg.Pool({ connectionString: process.argv[2] })
const store = new PostgresStore({ db: pool })
const failures: string[] = []
const manager = new SessionManager<Values>({
  store,
  authKey: generateKey(),
  // Short, so that touches and cleanups happen many times in the run.
  idleTimeout: 40,
  touchInterval: 2,
  cleanupInterval: 5,
  onEvent: (event) => {
    if (event.type === 'store-failed') failures.push(String(event.error))
  },
})
const middleware = sessions(manager)

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { session } = request as IncomingMessage & { session: Session<Values> } // put there by the middleware
  const [, name = '', argument = ''] = (request.url ?? '').split('/')
  await DEEDS[name]?.(session, argument, manager)
  response.end(session.userId ?? '-')
}

const server = createServer((request, response) => {
  void middleware(request, response, (error) => {
    if (error !== undefined) response.writeHead(503).end()
    else
      answer(request, response).catch((failure: unknown) => {
        failures.push(String(failure))
        response.writeHead(500).end()
      })
  })
})

/** How many objects of a class are alive. */
const countOf = (type: () => unknown) => v8.queryObjects(type, { format: 'count' })

function sample(): Sample {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const emitters = [pool, server, process, process.stdout]
  return {
    heapUsed,
    rss,
    drafts: countOf(Draft as never), // a class is a function too
    sessions: countOf(StagedSession as never),
    promises: countOf(Promise as never),
    timers: process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
    listeners: emitters
      .flatMap((it) => it.eventNames().map((name) => it.listenerCount(name)))
      .reduce((a, b) => a + b),
    connections: pool.totalCount,
    failures: failures.splice(0),
  }
}

process.stdin.on('data', () => console.log(JSON.stringify(sample())))
process.stdin.once('end', () => {
  server.closeAllConnections()
  server.close()
  void manager.close().then(() => pool.end())
})
server.keepAliveTimeout = 0 // a browser waits while a sample is taken
void store
  .migrate()
  .then(() =>
    server.listen(0, '127.0.0.1', () => console.log(JSON.stringify((server.address() as AddressInfo).port))),
  )
