import type { Session } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/hono'
import { type Context, Hono } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import { pathOf, toStream } from './fetch-harness.ts'
import { type FetchServer, nodeFetchServer } from './fetch-server.ts'
import type { Answer, HttpHarness, Values } from './http-case.ts'

function toResponse(c: Context, { status, body, headers }: Answer): Response {
  for (const [name, value] of headers) c.header(name, value, { append: true })
  c.status(status as StatusCode) // of the case's choice
  if (typeof body !== 'string') return c.body(toStream(body))
  return body === '' ? c.body(null) : c.body(body)
}

/** The adapter for Hono on a server. @param address In place of the adapter's own reading of it. */
export function honoHarnessOn(
  server: Pick<FetchServer, 'listen'>,
  address?: (c: Context) => string | undefined,
): HttpHarness {
  return {
    listen: (mounts, handle) => {
      const app = new Hono<{ Variables: Record<string, Session<Values>> }>()
      for (const { manager, property } of mounts) app.use(sessions(manager, { property, address }))
      app.all('*', async (c) => {
        const found = mounts.flatMap(({ property = 'session' }) => c.get(property) ?? [])
        return toResponse(c, await handle({ method: c.req.method, url: pathOf(c.req), sessions: found }))
      })
      app.onError((error, c) => {
        const { status = 500 } = error as { status?: StatusCode } // as the cases throw it
        c.status(status)
        return c.text('an error page')
      })
      return server.listen(
        (request, ...rest) => Reflect.apply(app.fetch, app, [request, ...rest]) as Response,
      )
    },
  }
}

/** The adapter for Hono, under @hono/node-server. */
export const honoHarness: HttpHarness = honoHarnessOn(nodeFetchServer)
