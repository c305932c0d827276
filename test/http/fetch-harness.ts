import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server'
import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import type { Answer, Handler, HttpHarness, Mount } from './http-case.ts'
import { listen } from './node-harness.ts'

type FetchHandler = (request: Request, env: HttpBindings | Http2Bindings) => Response | Promise<Response>

/** @returns the path and query of a request. */
export function pathOf(request: { readonly url: string }): string {
  const { pathname, search } = new URL(request.url)
  return pathname + search
}

/** Makes a stream of the chunks of an answer. */
export function toStream(chunks: AsyncIterable<string>): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks).pipeThrough(new TextEncoderStream())
}

function toResponse({ status, body, headers }: Answer): Response {
  const response = new Response(typeof body === 'string' ? body || null : toStream(body), { status })
  for (const [name, value] of headers) response.headers.append(name, value)
  return response
}

/** A handler with the error handling that an application would write. */
function application(mounts: readonly Mount[], handle: Handler): FetchHandler {
  return async (request) => {
    const found = mounts.flatMap(({ manager }) => getSession(manager) ?? [])
    try {
      return toResponse(await handle({ method: request.method, url: pathOf(request), sessions: found }))
    } catch (error) {
      const { status = 500 } = error as { status?: number } // as frameworks read it
      return new Response('an error page', { status })
    }
  }
}

/** The adapter for the Fetch standard, wrapped once for each mount, the first outermost. */
export const fetchHarness: HttpHarness = {
  listen: (mounts, handle) => {
    const wrapped = mounts.reduceRight<FetchHandler>(
      (inner, { manager }) =>
        sessions(manager, inner, { address: (_request, { incoming }) => incoming.socket.remoteAddress }),
      application(mounts, handle),
    )
    return listen(getRequestListener(wrapped, { overrideGlobalObjects: false }))
  },
}
