import { getRequestListener } from '@hono/node-server'
import type { Listening } from './http-case.ts'
import { listen } from './node-harness.ts'

/** A handler of the Fetch standard. What follows the request is the server's own. */
export type FetchHandler = (request: Request, ...rest: readonly unknown[]) => Response | Promise<Response>

/** What serves handlers of the Fetch standard: @hono/node-server, or a runtime by its own means. */
export interface FetchServer {
  /** Starts a server on a free port of 127.0.0.1. */
  listen(handle: FetchHandler): Promise<Listening>
  /** Reads the client's address from what the server hands a handler. */
  address(request: Request, ...rest: readonly unknown[]): string | undefined
}

/** As @hono/node-server hands it to a handler. */
interface Bindings {
  readonly incoming: { readonly socket: { readonly remoteAddress?: string } }
}

/** node:http, with @hono/node-server between. */
export const nodeFetchServer: FetchServer = {
  listen: (handle) => listen(getRequestListener(handle, { overrideGlobalObjects: false })),
  address: (_request, bindings) => (bindings as Bindings).incoming.socket.remoteAddress, // of the listener above
}
