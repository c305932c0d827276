import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { type FetchHandler, type FetchServer, nodeFetchServer } from './fetch-server.ts'
import type { Answer, Handler, HttpHarness, Mount } from './http-case.ts'

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

/** The adapter for the Fetch standard on a server, wrapped once for each mount, the first outermost. */
export function fetchHarnessOn({ listen, address }: FetchServer): HttpHarness {
  return {
    listen: (mounts, handle) => {
      const wrapped = mounts.reduceRight<FetchHandler>(
        (inner, { manager }) => sessions(manager, inner, { address }),
        application(mounts, handle),
      )
      return listen(wrapped)
    },
  }
}

/** The adapter for the Fetch standard, under @hono/node-server. */
export const fetchHarness: HttpHarness = fetchHarnessOn(nodeFetchServer)
