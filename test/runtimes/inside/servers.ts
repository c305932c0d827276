import { type FetchServer, nodeFetchServer } from '../../http/fetch-server.ts'

/** As much of Bun as is used here. */
interface Bun {
  serve(options: {
    readonly port: 0
    readonly hostname: string
    fetch(request: Request, server: BunServer): Response | Promise<Response>
  }): BunServer
}

interface BunServer {
  readonly port: number
  requestIP(request: Request): { readonly address: string } | null
  stop(closeActiveConnections: boolean): Promise<void>
}

/** As much of Deno as is used here. */
interface Deno {
  serve(
    options: { readonly port: 0; readonly hostname: string; readonly signal: AbortSignal; onListen(): void },
    handle: (request: Request, info: DenoInfo) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; readonly finished: Promise<void> }
}

interface DenoInfo {
  readonly remoteAddr: { readonly hostname: string }
}

const bunServer = (bun: Bun): FetchServer => ({
  listen: async (handle) => {
    const server = bun.serve({ port: 0, hostname: '127.0.0.1', fetch: handle })
    return { port: server.port, close: () => server.stop(true) }
  },
  address: (request, server) => (server as BunServer).requestIP(request)?.address, // Bun's second argument
})

const denoServer = (deno: Deno): FetchServer => ({
  listen: async (handle) => {
    const stop = new AbortController()
    const { signal } = stop
    const server = deno.serve({ port: 0, hostname: '127.0.0.1', signal, onListen: () => {} }, handle)
    const close = async (): Promise<void> => {
      stop.abort()
      await server.finished
    }
    return { port: server.addr.port, close }
  },
  address: (_request, info) => (info as DenoInfo).remoteAddr.hostname, // Deno's second argument
})

/** The runtime's own server for handlers of the Fetch standard. */
export function ownServer(): FetchServer {
  const { Bun, Deno } = globalThis as { Bun?: Bun; Deno?: Deno } // at most one of them is there
  if (Bun !== undefined) return bunServer(Bun)
  return Deno === undefined ? nodeFetchServer : denoServer(Deno)
}
