import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What came back for one request. */
export interface RawAnswer {
  readonly status: number
  /** Status line and headers. */
  readonly head: string
  readonly body: string
}

const HEAD_END = '\r\n\r\n'

/** A connection that takes requests as bytes, many at once, and reads answers with a Content-Length. */
export class PipelinedConnection {
  readonly #socket: Socket
  #rest = ''

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
  }

  static async open(port: number): Promise<PipelinedConnection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new PipelinedConnection(socket)
  }

  /** Sends the requests in one go. @returns their answers, in order; fewer: the server closed the connection. */
  async ask(requests: readonly Buffer[]): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = []
    return await new Promise((resolve, reject) => {
      const read = (chunk: string) => {
        this.#rest += chunk
        for (let answer = this.#take(); answer !== undefined; answer = this.#take()) answers.push(answer)
        if (answers.length >= requests.length) finish()
      }
      const finish = () => {
        this.#socket.off('data', read).off('close', finish).off('error', reject)
        resolve(answers)
      }
      this.#socket.on('data', read).on('close', finish).on('error', reject)
      this.#socket.write(Buffer.concat(requests))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(): RawAnswer | undefined {
    const headEnd = this.#rest.indexOf(HEAD_END)
    if (headEnd === -1) return undefined
    const head = this.#rest.slice(0, headEnd)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
    const bodyAt = headEnd + HEAD_END.length
    if (this.#rest.length < bodyAt + length) return undefined
    const body = this.#rest.slice(bodyAt, bodyAt + length)
    this.#rest = this.#rest.slice(bodyAt + length)
    return { status: Number(head.slice(9, 12)), head, body }
  }
}

/** Sends bytes on a connection of their own, and no more. @returns all that came back until the server closed it. */
export async function askOnce(port: number, bytes: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let all = ''
  socket.on('data', (chunk) => (all += String(chunk)))
  socket.on('error', () => undefined) // a server that refuses may reset the connection
  socket.end(bytes)
  await once(socket, 'close')
  return all
}
