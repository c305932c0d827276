import type { Session, SessionEvent } from 'coatcheck'
import { SessionManager } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { type FakeExchange, fakeExchange } from 'coatcheck/testing'
import pg from 'pg'
import { serve } from './peer.ts'
import type { Answer, ServerOptions, Step } from './remote-server.ts'

// A process of its own that serves one manager: the database's connection string is its argument, and how many
// seconds its system's clock is wrong.
const [, , connectionString, seconds] = process.argv
const rightNow = Date.now
Date.now = () => rightNow() + Number(seconds) * 1000

type Values = Record<string, unknown>

interface Request {
  readonly by: SessionManager<Values>
  readonly exchange: FakeExchange
  readonly session: Session<Values>
}

const pool = new pg.Pool({ connectionString })
const events: SessionEvent[] = []
const requests = new Map<number, Request>()
let manager = create({ authKey: ['at first a key that no test uses'] })
let lastRequest = 0

function create({ clockAhead, ...options }: ServerOptions): SessionManager<Values> {
  return new SessionManager<Values>({
    ...options,
    store: new PostgresStore({ db: pool }),
    cleanupInterval: 0,
    onEvent: (event) => void events.push(event),
    clock: clockAhead === undefined ? undefined : () => Date.now() + clockAhead * 1000,
  })
}

async function begin(cookie: string | undefined): Promise<Request> {
  const by = manager
  const exchange = fakeExchange({ cookie })
  return { by, exchange, session: await by.start(exchange) }
}

async function finish({ by, exchange, session }: Request, steps: readonly Step[]): Promise<Answer> {
  const { userId } = session
  const values = session.values()
  try {
    const updated: unknown[] = []
    for (const step of steps) updated.push(await change(session, step))
    await by.refresh(exchange, session)
    return { outcome: 'answered', cookies: [...exchange.cookies.values()], userId, values, updated }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    return { outcome: String(error.code), cookies: [], userId, values, updated: [] }
  }
}

async function change(session: Session<Values>, step: Step): Promise<unknown> {
  switch (step[0]) {
    case 'set':
      return void session.set(step[1], step[2]) // JSON, as it came here
    case 'signIn':
      return void session.setUserId(step[1])
    case 'renew':
      return void session.renew()
    case 'destroy':
      return void session.destroy()
    case 'takeAtOnce':
      return takeAtOnce(session, step[1])
    case 'increment':
      return session.update(step[1], (old) => (Number(old ?? 0) + 1) as never)
  }
}

/** Takes a value that only one request may have. */
async function takeAtOnce(session: Session<Values>, key: string): Promise<unknown> {
  let taken: unknown
  await session.update(key, (old) => {
    taken = old
    return undefined
  })
  return taken
}

serve({
  migrate: () => new PostgresStore({ db: pool }).migrate(),
  // A new version of the application takes over: requests under way end with the manager that they began with.
  configure: async (options: ServerOptions) => {
    manager = create(options)
  },
  request: async (cookie: string | undefined, steps: readonly Step[]) => finish(await begin(cookie), steps),
  begin: async (cookie: string | undefined) => {
    lastRequest += 1
    requests.set(lastRequest, await begin(cookie))
    return lastRequest
  },
  finish: async (number: number, steps: readonly Step[]) => {
    const request = requests.get(number)
    if (request === undefined) throw new Error(`no request ${number}`)
    requests.delete(number)
    return finish(request, steps)
  },
  revokeAll: (userId: string) => manager.revokeAll(userId),
  listSessions: (userId: string) => manager.listSessions(userId),
  cleanup: () => manager.cleanup(),
  takeEvents: () => Promise.resolve(events.splice(0)),
})
