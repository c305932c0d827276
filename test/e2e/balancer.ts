import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** One address in front of several servers, which take turns. */
export interface Balancer {
  readonly url: string
  /** Requests that each server has answered, in the order of the servers. */
  readonly answered: readonly number[]
  close(): Promise<void>
}

/** Starts one. A server that takes no connection is passed over: what was not sent to it may go to the next. */
export async function startBalancer(servers: readonly string[]): Promise<Balancer> {
  const answered = servers.map(() => 0)
  let turn = 0
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming) // whole, so that it can be sent again
    const forward = (left: number) => {
      const place = turn++ % servers.length
      const upstream = ask(servers[place] ?? '', incoming)
      upstream.once('response', (response) => {
        answered[place] = (answered[place] ?? 0) + 1
        relay(response, outgoing)
      })
      upstream.once('error', (error) => {
        if (left > 1 && 'code' in error && error.code === 'ECONNREFUSED') forward(left - 1)
        else outgoing.writeHead(502).end()
      })
      upstream.end(body)
    }
    forward(servers.length)
  })
  return { url: await listen(server), answered, close: () => closeServer(server) }
}

function ask(server: string, { method, url, headers }: IncomingMessage) {
  return request(new URL(url ?? '/', server), { method, headers, agent: false })
}

function relay(response: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.writeHead(response.statusCode ?? 502, response.rawHeaders)
  response.pipe(outgoing)
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://localhost:${(server.address() as AddressInfo).port}` // it listens on a port
}

async function closeServer(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}
