import { getSession, type Session, type SessionManager } from 'coatcheck'
import { toExchange } from 'coatcheck/adapters/node'
import type { Request, RequestHandler } from 'express'
import type { Html } from './html.ts'
import type { InboxValues } from './session-values.ts'

/** One request, as the routes see it. */
export interface Visit {
  readonly session: Session<InboxValues>
  readonly request: Request
  /** Reads a field of the form that came. Empty if it did not. */
  field(name: string): string
}

/** A visit of somebody who is signed in. */
export interface SignedInVisit extends Visit {
  readonly userId: string
}

/** What a route answers: a page, or the path of the page to go to. */
export type Answer = { readonly page: Html; readonly status?: number } | { readonly goTo: string }

/** Makes Express handlers of routes over the sessions of one manager. */
export class Visits {
  readonly #manager: SessionManager<InboxValues>

  constructor(manager: SessionManager<InboxValues>) {
    this.#manager = manager
  }

  /** A route for everybody. */
  anyone(route: (visit: Visit) => Answer | Promise<Answer>): RequestHandler {
    return async (request, response) => {
      const session = getSession(this.#manager)
      if (session === undefined) throw new Error('sessions() must stand before the routes')
      const answer = await route({ session, request, field: (name) => fieldOf(request, name) })
      if ('page' in answer) response.status(answer.status ?? 200)
      // The middleware would commit before the head goes. Done here, a refused commit (409, 503) gets a page.
      if (this.#manager.needsRefresh(session)) {
        await this.#manager.refresh(toExchange(request, response, { address: () => request.ip }), session)
      }
      if ('page' in answer) response.type('html').send(answer.page.toString())
      else response.redirect(303, answer.goTo)
    }
  }

  /** A route for those who are signed in; the others are asked to sign in. */
  signedIn(route: (visit: SignedInVisit) => Answer | Promise<Answer>): RequestHandler {
    return this.anyone((visit) => {
      const { userId } = visit.session
      return userId === undefined ? { goTo: '/?sign-in-first' } : route({ ...visit, userId })
    })
  }
}

function fieldOf(request: Request, name: string): string {
  const body: unknown = request.body
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return ''
  const value = (body as Record<string, unknown>)[name] // an object, and it has the property
  return typeof value === 'string' ? value : ''
}
