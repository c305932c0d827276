import { Agent, request } from 'node:http'
import type { Received } from './received.ts'

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[]>>
  /** Called when the head of the answer has come. */
  readonly onHead: (() => void) | undefined
}

/** Connections to a server on 127.0.0.1. */
export class Wire {
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })

  constructor(port: number) {
    this.#port = port
  }

  send({ method, path, headers, onHead }: WireRequest): Promise<Received> {
    const address = { port: this.#port, host: '127.0.0.1', agent: this.#agent }
    return new Promise((resolve, reject) => {
      const asked = request({ ...address, path, method, headers })
      asked.on('error', reject)
      asked.on('response', (response) => {
        onHead?.()
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (body += chunk))
        response.on('error', reject)
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            reason: response.statusMessage ?? '',
            headers: response.headers as Record<string, string | undefined>,
            setCookies: response.headers['set-cookie'] ?? [],
            body,
            json: () => JSON.parse(body) as unknown,
          })
        })
      })
      asked.end()
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
