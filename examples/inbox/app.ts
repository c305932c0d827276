import { fileURLToPath } from 'node:url'
import { getSession, type SessionManager, StoreError } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/express'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { failurePage, failureStatus } from './pages/failure.ts'
import { deviceRoutes } from './routes/devices.ts'
import { noteRoutes } from './routes/notes.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { sameOrigin } from './same-origin.ts'
import type { InboxValues, Theme } from './session-values.ts'
import { Visits } from './visits.ts'

/** Where the inbox stands in the network. */
export interface InboxOptions {
  /** The origin that people see, where a proxy on this machine speaks TLS for it. */
  readonly publicOrigin?: string | undefined
}

const PUBLIC = fileURLToPath(new URL('public', import.meta.url))

/** Makes the application over a manager; whoever calls it listens and closes. */
export function createInbox(manager: SessionManager<InboxValues>, options: InboxOptions = {}): Express {
  const { publicOrigin } = options
  const visits = new Visits(manager)
  const app = express()
  app.disable('x-powered-by')
  if (publicOrigin !== undefined) app.set('trust proxy', 'loopback')
  app.use(securityHeaders)
  app.use(express.static(PUBLIC, { index: false, redirect: false }))
  app.use(noStore, sameOrigin(publicOrigin))
  app.use(express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 10 }))
  app.use(sessions(manager))
  app.use(signInRoutes(visits), noteRoutes(visits), deviceRoutes(visits, manager))
  app.use((_request, _response, next) => next({ status: 404 }))
  app.use(answerWithFailure(manager))
  return app
}

const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Content-Security-Policy':
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'Cross-Origin-Opener-Policy': 'same-origin',
    // Not no-referrer: with it browsers send "Origin: null", which the same-origin check refuses.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  })
  next()
}

/** Keeps pages out of every cache, so that the back button shows nothing private after a sign-out. */
const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}

function answerWithFailure(manager: SessionManager<InboxValues>): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return function answerWithFailure(error, _request, response, next) {
    const status = failureStatus(error)
    // What a store failed at is told by the manager's event.
    if (status >= 500 && !(error instanceof StoreError)) console.error(error)
    if (response.headersSent) next(error)
    else
      response
        .status(status)
        .type('html')
        .send(failurePage(status, themeOf(manager)).toString())
  }
}

function themeOf(manager: SessionManager<InboxValues>): Theme {
  try {
    return getSession(manager)?.get('theme') ?? 'system'
  } catch {
    return 'system' // the record that cannot be read may be the failure
  }
}
