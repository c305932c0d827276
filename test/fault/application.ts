import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { generateKey, type Session, SessionManager, type SessionManagerOptions, type Store } from 'coatcheck'
import { sessions as expressSessions } from 'coatcheck/adapters/express'
import { sessions } from 'coatcheck/adapters/node'
import express from 'express'
import type { Values } from '../http/http-case.ts'
import { listen } from '../http/node-harness.ts'

/** Seconds that a request of the application under test waits for the store, at most. */
export const STORE_TIMEOUT = 2

/** An application that the tests of faults ask, on a free port. */
export interface Application {
  readonly port: number
  readonly server: Server
  readonly manager: SessionManager<Values>
  /** Takes no requests any more and closes the manager. */
  close(): Promise<void>
}

/** The frameworks that it is written for. */
export type Framework = 'node' | 'express'

/** Starts the application over a store. */
export async function startApplication(
  store: Store,
  options: Partial<SessionManagerOptions> = {},
  framework: Framework = 'node',
): Promise<Application> {
  const manager = new SessionManager<Values>({
    store,
    authKey: generateKey(),
    storeTimeout: STORE_TIMEOUT,
    touchInterval: 0.001, // nearly every read is a touch
    cleanupInterval: 0.2,
    ...options,
  })
  const { port, server, close } = await listen(framework === 'node' ? onNode(manager) : onExpress(manager))
  return {
    port,
    server,
    manager,
    async close() {
      await close()
      await manager.close()
    },
  }
}

type Answering = IncomingMessage & { session: Session<Values> } // the middleware has put it there

/** `/plain` has no session: it is asked whether the rest of the server goes on. */
const isPlain = ({ url }: IncomingMessage) => url === '/plain'

function onNode(manager: SessionManager<Values>) {
  const middleware = sessions(manager)
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (isPlain(request)) response.end('plain')
    else
      void middleware(request, response, (error) => {
        if (error === undefined) void answer(request, response)
        else fail(response, error)
      })
  }
}

function onExpress(manager: SessionManager<Values>) {
  return express()
    .get('/plain', (_request, response) => void response.end('plain'))
    .use(expressSessions(manager))
    .use((request, response) => answer(request, response))
    .use((error: unknown, _request: unknown, response: ServerResponse, _next: unknown) =>
      fail(response, error),
    )
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { session } = request as Answering
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://127.0.0.1')
  try {
    await act(pathname, searchParams.get('to') ?? '', session)
    response.end(JSON.stringify({ id: session.id, userId: session.userId }))
  } catch (error) {
    fail(response, error)
  }
}

async function act(path: string, to: string, session: Session<Values>): Promise<void> {
  switch (path) {
    case '/write': // two keys in one commit: both are there or neither
      session.set(`a${to}`, 1).set(`b${to}`, 1)
      return
    case '/count':
      await session.update('count', (old) => Number(old ?? 0) + 1)
      return
    case '/sign-in':
      session.setUserId(to).set('name', to)
      return
    case '/renew':
      session.renew()
      return
    case '/sign-out':
      session.destroy()
      return
  }
}

function fail(response: ServerResponse, error: unknown): void {
  const { status = 500 } = error as { status?: number } // as frameworks read it
  response.statusCode = status
  response.end('an error page')
}
