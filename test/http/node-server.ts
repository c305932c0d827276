import type { IncomingMessage, ServerResponse } from 'node:http'
import { generateKey, type Session, SessionManager, type SessionManagerOptions } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/node'
import { MemoryStore } from 'coatcheck/stores/memory'
import { onTestFinished } from 'vitest'
import { Browser } from './browser.ts'
import type { Values } from './http-case.ts'
import { listen } from './node-harness.ts'
import { type WatchedStore, watchedStore } from './watched-store.ts'

/** A handler of node's own, with the session that the middleware loaded. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  session: Session<Values>,
) => unknown

/** A manager over a watched store, and the means to shut its writes in. */
export interface Kept {
  readonly manager: SessionManager<Values>
  readonly store: WatchedStore
  /** Makes every call of the store wait. @returns what lets them go on. */
  shut(): () => void
}

/** Makes a manager that is closed when the test is over. */
export function keep(options: Partial<SessionManagerOptions> = {}): Kept {
  const store = watchedStore(new MemoryStore())
  const defaults = { store, authKey: generateKey(), cleanupInterval: 0 }
  const manager = new SessionManager<Values>({ ...defaults, ...options })
  onTestFinished(() => manager.close())
  const shut = (): (() => void) => {
    let open = (): void => {}
    store.gate = new Promise((resolve) => (open = resolve))
    return () => {
      store.gate = undefined
      open()
    }
  }
  return { manager, store, shut }
}

/** Starts a node:http server that is closed when the test is over. */
export async function serve(
  handle: NodeHandler,
  kept: Kept = keep(),
): Promise<Kept & { readonly browser: Browser; readonly port: number }> {
  const middleware = sessions(kept.manager)
  const { port, close } = await listen((request, response) => {
    void middleware(request, response, (error) => {
      const { session } = request as IncomingMessage & { session: Session<Values> } // put there by the middleware
      if (error === undefined) handle(request, response, session)
      else response.writeHead(503).end('next')
    })
  })
  const browser = new Browser(port)
  onTestFinished(async () => {
    browser.close()
    await close()
  })
  return { ...kept, browser, port }
}
