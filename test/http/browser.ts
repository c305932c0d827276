import { parseSetCookie } from 'set-cookie-parser'
import type { Received } from './received.ts'
import { Wire } from './wire.ts'

/** What a request brings beside its path. */
export interface Sent {
  readonly method?: string
  /** The Cookie header, in place of the jar's; one line a member. */
  readonly cookie?: string | readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** Called when the head of the answer has come. */
  readonly onHead?: () => void
}

/**
 * A browser as far as cookies go: keeps them by name, sends them all. It keeps Secure cookies over loopback,
 * as Chromium does.
 */
export class Browser {
  readonly jar = new Map<string, string>()
  readonly #port: number
  readonly #wire: Wire

  constructor(port: number) {
    this.#port = port
    this.#wire = new Wire(port)
  }

  /** The Cookie header that the next request sends. */
  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** Asks, and takes in the cookies of the answer at once. */
  async ask(path: string, sent: Sent = {}): Promise<Received> {
    const received = await this.send(path, sent)
    this.receive(received)
    return received
  }

  /** Asks; the cookies of the answer count only once it is given to `receive()`. */
  send(path: string, sent: Sent = {}): Promise<Received> {
    const cookie = sent.cookie ?? this.cookie
    const headers = { ...sent.headers, ...(cookie.length > 0 ? { cookie: cookie as string | string[] } : {}) }
    const { method = 'GET', onHead } = sent
    return this.#wire.send({ method, path, headers, onHead })
  }

  /** Takes in the cookies of an answer, as they arrive. */
  receive({ setCookies }: Pick<Received, 'setCookies'>): void {
    for (const { name, value, maxAge } of setCookies.flatMap((line) => parseSetCookie(line))) {
      if (maxAge !== undefined && maxAge <= 0) this.jar.delete(name)
      else this.jar.set(name, value)
    }
  }

  /** A second browser with the same cookies: a copy in a thief's hands, or one reading of the same jar. */
  copy(): Browser {
    const other = new Browser(this.#port)
    for (const [name, value] of this.jar) other.jar.set(name, value)
    return other
  }

  close(): void {
    this.#wire.close()
  }
}
