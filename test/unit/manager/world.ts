import {
  type Session,
  type SessionEvent,
  SessionManager,
  type SessionManagerOptions,
  type SetCookie,
} from 'coatcheck'
import { FakeExchange } from './fake-exchange.ts'
import { RecordingStore } from './recording-store.ts'

/** 2026-01-01T00:00:00Z. */
export const START = Date.UTC(2026, 0, 1)

export { FakeExchange } from './fake-exchange.ts'

export const AUTH_KEY = 'kQ3vZ8mB1xN6cR9tY2wP5sL7dF4gH0jU'

/** What left for the browser. */
export interface Answer {
  readonly exchange: FakeExchange
  readonly cookie: SetCookie | undefined
  /** What `refresh` rejected with. */
  readonly error: unknown
}

/** A request under way: started, not yet answered. */
export class Visit {
  readonly exchange: FakeExchange
  readonly session: Session
  readonly #manager: SessionManager

  constructor(manager: SessionManager, exchange: FakeExchange, session: Session) {
    this.#manager = manager
    this.exchange = exchange
    this.session = session
  }

  /** Refreshes, and keeps an error as an answer. */
  async answer(status = 200): Promise<Answer> {
    this.exchange.status = status
    const error: unknown = await this.#manager.refresh(this.exchange, this.session).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    return { exchange: this.exchange, cookie: this.exchange.cookie, error }
  }
}

/** A browser with one cookie jar, as far as our cookie goes. */
export class Browser {
  /** The jar's token. */
  token: string | undefined
  readonly #manager: SessionManager
  readonly #name: string

  constructor(manager: SessionManager, name: string, token?: string) {
    this.#manager = manager
    this.#name = name
    this.token = token
  }

  /** Sends a request and stops in its handler. */
  async visit(headers: Readonly<Record<string, string>> = {}): Promise<Visit> {
    const cookie = this.token === undefined ? {} : { cookie: `${this.#name}=${this.token}` }
    const exchange = new FakeExchange({ ...cookie, ...headers })
    return new Visit(this.#manager, exchange, await this.#manager.start(exchange))
  }

  /** Takes in the cookie of an answer. */
  receive({ cookie }: Pick<Answer, 'cookie'>): void {
    if (cookie !== undefined) this.token = cookie.maxAge === 0 ? undefined : cookie.value
  }

  /** A whole request: start, handler, refresh, cookie. Throws what refresh throws. */
  async ask(handle: (session: Session) => unknown, status = 200): Promise<Answer> {
    const visit = await this.visit()
    await handle(visit.session)
    const answer = await visit.answer(status)
    if (answer.error !== undefined) throw answer.error
    this.receive(answer)
    return answer
  }

  /** Another browser with the same cookie. */
  copy(): Browser {
    return new Browser(this.#manager, this.#name, this.token)
  }
}

/** A manager over a recording store, with a clock that stands still, and all of its events. */
export class World {
  readonly store = new RecordingStore()
  readonly events: SessionEvent[] = []
  readonly manager: SessionManager
  now = START
  readonly #cookieName: string

  constructor(options: Partial<SessionManagerOptions> = {}) {
    this.#cookieName = options.cookie?.name ?? '__Host-id'
    this.manager = new SessionManager({
      store: this.store,
      authKey: AUTH_KEY,
      clock: () => this.now,
      cleanupInterval: 0,
      onEvent: (event) => void this.events.push(event),
      ...options,
    })
  }

  advance(seconds: number): void {
    this.now += seconds * 1000
  }

  browser(token?: string): Browser {
    return new Browser(this.manager, this.#cookieName, token)
  }

  /** A browser whose session of this user and with these values is stored; calls and events begin anew. */
  async browserWith(
    userId: string | undefined,
    values: Readonly<Record<string, unknown>> = {},
  ): Promise<Browser> {
    const browser = this.browser()
    await browser.ask((session) => {
      session.setUserId(userId)
      for (const [key, value] of Object.entries(values)) session.set(key, value)
    })
    this.forget()
    return browser
  }

  forget(): void {
    this.store.forget()
    this.events.length = 0
  }

  /** The types of the events so far. */
  get told(): string[] {
    return this.events.map(({ type }) => type)
  }

  /** What a new request of this browser finds. */
  async look(
    browser: Browser,
  ): Promise<{ id: string; userId: string | undefined; values: object; isNew: boolean }> {
    const { session } = await browser.copy().visit()
    const { id, userId, isNew } = session
    return { id, userId, values: session.values(), isNew }
  }
}
