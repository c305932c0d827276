import type { SessionEvent, SessionInfo, SetCookie } from 'coatcheck'
import type { FakeBrowser } from 'coatcheck/testing'
import { Peer } from './peer.ts'

/** How the manager of a server is set up. */
export interface ServerOptions {
  readonly authKey: readonly string[]
  readonly encryptionKey?: readonly string[]
  readonly idleTimeout?: number
  /** Gives the manager a clock of its own, ahead of the system's by so many seconds. */
  readonly clockAhead?: number
}

/** What one request does with its session. */
export type Step =
  | readonly ['set', key: string, value: unknown]
  | readonly ['signIn', userId: string]
  | readonly ['renew']
  | readonly ['destroy']
  /** By `update()`: deletes the key, and answers with what it held. */
  | readonly ['takeAtOnce', key: string]
  /** By `update()`. */
  | readonly ['increment', key: string]

/** What became of a request. */
export interface Answer {
  /** `answered`, or the code of the error. */
  readonly outcome: string
  readonly cookies: readonly SetCookie[]
  /** Who was signed in as it came. */
  readonly userId: string | undefined
  /** What the session held as it came. */
  readonly values: Readonly<Record<string, unknown>>
  /** What each step gave. */
  readonly updated: readonly unknown[]
}

/** A request that has its session, and whose handler is still at work. */
export interface OpenRequest {
  /** Lets it do this and answer. */
  finish(...steps: readonly Step[]): Promise<Answer>
}

/** An application's server with a manager in a process of its own. */
export class RemoteServer {
  readonly #peer: Peer

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /** @param secondsAhead By how much the clock of its system is wrong. */
  static async start(url: string, options: ServerOptions, secondsAhead = 0): Promise<RemoteServer> {
    const server = new RemoteServer(await Peer.start('manager-program.ts', url, String(secondsAhead)))
    await server.configure(options)
    return server
  }

  async migrate(): Promise<void> {
    await this.#peer.ask('migrate')
  }

  /** Replaces the manager, as a deployment does; requests under way keep theirs. */
  async configure(options: ServerOptions): Promise<void> {
    await this.#peer.ask('configure', options)
  }

  /** Answers a request with the cookies that the browser has now. */
  async request(browser: FakeBrowser, ...steps: readonly Step[]): Promise<Answer> {
    return (await this.#peer.ask('request', toHeader(browser), steps)) as Answer // what the program answers
  }

  /** The same, and lets the browser receive the answer. */
  async visit(browser: FakeBrowser, ...steps: readonly Step[]): Promise<Answer> {
    return received(browser, await this.request(browser, ...steps))
  }

  /** Starts a request that stays open. */
  async begin(browser: FakeBrowser): Promise<OpenRequest> {
    const number = await this.#peer.ask('begin', toHeader(browser))
    return { finish: async (...steps) => (await this.#peer.ask('finish', number, steps)) as Answer }
  }

  async revokeAll(userId: string): Promise<number> {
    return Number(await this.#peer.ask('revokeAll', userId))
  }

  async listSessions(userId: string): Promise<readonly SessionInfo[]> {
    return (await this.#peer.ask('listSessions', userId)) as readonly SessionInfo[]
  }

  async cleanup(): Promise<number> {
    return Number(await this.#peer.ask('cleanup'))
  }

  /** What happened since the last call. */
  async takeEvents(): Promise<readonly SessionEvent[]> {
    return (await this.#peer.ask('takeEvents')) as readonly SessionEvent[]
  }

  stop(): Promise<void> {
    return this.#peer.stop()
  }
}

/** Starts two servers over one database, in which the first makes the table. */
export async function startServers(
  url: string,
  options: ServerOptions,
): Promise<readonly [RemoteServer, RemoteServer]> {
  const servers = await Promise.all([RemoteServer.start(url, options), RemoteServer.start(url, options)])
  await servers[0].migrate()
  return servers
}

/** Lets a browser receive an answer. */
export function received(browser: FakeBrowser, answer: Answer): Answer {
  browser.receive({ cookies: new Map(answer.cookies.map((cookie) => [cookie.name, cookie])) })
  return answer
}

function toHeader({ cookies }: FakeBrowser): string | undefined {
  return cookies.size === 0 ? undefined : [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}
