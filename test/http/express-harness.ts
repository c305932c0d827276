import type { RequestListener } from 'node:http'
import { sessions } from 'coatcheck/adapters/express'
import express from 'express'
import express4 from 'express4'
import type { Handler, HttpHarness, Mount } from './http-case.ts'
import { listen, sessionsOf, write } from './node-harness.ts'

function application(
  express: () => express.Express,
  mounts: readonly Mount[],
  handle: Handler,
): RequestListener {
  const app = express()
  app.set('env', 'test') // the error handler prints nothing
  for (const { manager, property } of mounts) app.use(sessions(manager, { property }))
  app.use((request, response, next) => {
    const { method, url } = request
    Promise.resolve({ method, url, sessions: sessionsOf(request, mounts) })
      .then(handle)
      .then((answer) => write(response, answer))
      .catch(next)
  })
  return app
}

/** The adapter for Express, under Express 5. */
export const express5Harness: HttpHarness = {
  listen: (mounts, handle) => listen(application(express, mounts, handle)),
}

/** The adapter for Express, under Express 4. */
export const express4Harness: HttpHarness = {
  listen: (mounts, handle) => listen(application(express4, mounts, handle)),
}
