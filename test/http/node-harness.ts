import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Session } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/node'
import type { Answer, CaseRequest, Handler, HttpHarness, Listening, Mount, Values } from './http-case.ts'

/** Starts a server on a free port of 127.0.0.1. */
export async function listen(listener: RequestListener): Promise<Listening & { readonly server: Server }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listening on TCP
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { server, port, close }
}

/** Writes an answer by node's own means. */
export function write(response: ServerResponse, { status, headers, body }: Answer): void {
  for (const [name, value] of headers) response.appendHeader(name, value)
  response.statusCode = status
  if (typeof body === 'string') response.end(body)
  else Readable.from(body).pipe(response)
}

/** The sessions that the mounts have put on a request. */
export function sessionsOf(request: object, mounts: readonly Mount[]): Session<Values>[] {
  const properties = request as Record<string, Session<Values>> // the middleware has put them there
  return mounts.flatMap(({ property = 'session' }) => properties[property] ?? [])
}

function answerError(response: ServerResponse, error: unknown): void {
  const { status = 500 } = error as { status?: number } // as frameworks read it
  response.statusCode = status
  response.end('an error page')
}

/** The adapter for node:http, with the error handling that an application would write. */
export const nodeHarness: HttpHarness = {
  listen: (mounts: readonly Mount[], handle: Handler) => {
    const middleware = mounts.map(({ manager, property }) => sessions(manager, { property }))
    return listen((request, response) => {
      const answer = async (): Promise<void> => {
        const { method = '', url = '' } = request
        const caseRequest: CaseRequest = { method, url, sessions: sessionsOf(request, mounts) }
        write(response, await handle(caseRequest))
      }
      const run = (at: number): void => {
        const next = middleware[at]
        if (next === undefined) answer().catch((error: unknown) => answerError(response, error))
        else {
          void next(request, response, (error) => {
            if (error === undefined) run(at + 1)
            else answerError(response, error)
          })
        }
      }
      run(0)
    })
  },
}
