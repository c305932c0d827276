import { PipelinedConnection } from '../hostile/pipelined.ts'

/** Requests of a browser by its cookie jar, over one connection, one after the other. */
export class BrowserLane {
  readonly #connection: PipelinedConnection
  #cookie = ''

  constructor(connection: PipelinedConnection) {
    this.#connection = connection
  }

  static async open(port: number): Promise<BrowserLane> {
    return new BrowserLane(await PipelinedConnection.open(port))
  }

  /** @returns the status and the body. */
  async get(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const cookie = this.#cookie === '' ? '' : `Cookie: ${this.#cookie}\r\n`
    const [answer] = await this.#connection.ask([
      Buffer.from(`GET /${path} HTTP/1.1\r\nHost: x\r\n${cookie}\r\n`),
    ])
    if (answer === undefined) throw new Error(`no answer to /${path}`)
    const set = /\r\nset-cookie: ([^;\r]*)([^\r]*)/i.exec(answer.head)
    if (set !== null) this.#cookie = set[2]?.includes('Max-Age=0') ? '' : (set[1] ?? '')
    return answer
  }

  close(): void {
    this.#connection.close()
  }
}
