import type { Received } from '../../http/received.ts'
import type { Wire as NodeWire, WireRequest } from '../../http/wire.ts'

/** A binding of a Worker to a service. */
export interface Service {
  fetch(url: string, init?: RequestInit): Promise<Response>
}

/** What the wires of this Worker lead to: itself, each call as a request of its own. */
export const destination: { service: Service | undefined } = { service: undefined }

/** The wire of a Worker, which has no port to listen on. Its runtime hands the requests over. */
export class Wire implements Pick<NodeWire, 'send' | 'close'> {
  async send({ method, path, headers, onHead }: WireRequest): Promise<Received> {
    if (destination.service === undefined) throw new Error('the wire leads nowhere')
    const lines = Object.entries({ ...headers, 'cf-connecting-ip': '127.0.0.1' }).flatMap(([name, value]) =>
      [value].flat().map((line): [string, string] => [name, line]),
    )
    const init: RequestInit = { method, headers: lines, redirect: 'manual' }
    const response = await destination.service.fetch(`http://localhost${path}`, init)
    onHead?.()
    const body = await response.text()
    return {
      status: response.status,
      reason: response.statusText,
      headers: Object.fromEntries(response.headers),
      setCookies: response.headers.getSetCookie(),
      body,
      json: () => JSON.parse(body) as unknown,
    }
  }

  close(): void {}
}
