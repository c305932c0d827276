import type { Session, SessionManager } from 'coatcheck'

/** The values that the cases keep in their sessions. */
export type Values = Record<string, unknown>

/** What a handler answers with. A handler that fails throws. */
export interface Answer {
  readonly status: number
  /** Several chunks are streamed: the head leaves before the last of them is made. */
  readonly body: string | AsyncIterable<string>
  /** Names may repeat. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** A request, in the words of no framework. */
export interface CaseRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  /** The session of each mounted manager, in the order of mounting. */
  readonly sessions: readonly Session<Values>[]
}

/** An application, in the words of no framework. */
export type Handler = (request: CaseRequest) => Answer | Promise<Answer>

/** One mounting of the adapter's `sessions(manager)`. */
export interface Mount {
  readonly manager: SessionManager<Values>
  /** Where the session is put. `undefined` leaves the adapter's default. */
  readonly property?: string | undefined
}

/** What an adapter's tests bring: a real server, on a free port of 127.0.0.1, for any handler. */
export interface HttpHarness {
  /**
   * Starts a server that mounts the managers in this order, then calls the handler for every request.
   *
   * A handler that throws is answered by the framework's error handling: with the error's `status` if it has
   * one, else 500, and any body. So is a session that cannot be loaded.
   */
  listen(mounts: readonly Mount[], handle: Handler): Promise<Listening>
}

/** A running server. */
export interface Listening {
  readonly port: number
  /** Stops it, open connections included. */
  close(): Promise<void>
}

/** One thing that holds for every adapter, over real sockets. */
export interface HttpCase {
  readonly name: string
  run(harness: HttpHarness): Promise<void>
}
