import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A stretch of network between a client and a server, which can fail as networks do. */
export interface TcpProxy {
  /** A connection string, led through here. */
  urlOf(url: string): string
  /**
   * Swallows every byte of the connections that are there and of those that come. None is closed: nobody tells
   * either side that the other is gone.
   */
  goSilent(): void
  /** Carries the connections that come from now on. Those of the silence stay as dead as they were. */
  comeBack(): void
  /** Leads connections that come from now on to the server of this connection string. */
  leadTo(url: string): void
  /** Closes every connection, as a restart of the proxy would. */
  cut(): void
  close(): Promise<void>
}

/** Starts a proxy on a free port of 127.0.0.1, in front of the server of a connection string. */
export async function startTcpProxy(serverUrl: string): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  let target = new URL(serverUrl)
  let isSilent = false
  const server = createServer((client) => {
    const pair = new Pair(client, connect(Number(target.port), target.hostname), isSilent)
    pairs.add(pair)
    pair.onEnd(() => pairs.delete(pair))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no free port')
  const cut = () => {
    for (const pair of pairs) pair.end()
  }
  return {
    urlOf(url) {
      const through = new URL(url)
      through.port = String(address.port)
      return through.href
    },
    goSilent() {
      isSilent = true
      for (const pair of pairs) pair.isSilent = true
    },
    comeBack() {
      isSilent = false
    },
    leadTo(url) {
      target = new URL(url)
    },
    cut,
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The two halves of one connection. */
class Pair {
  isSilent: boolean
  readonly #sockets: readonly [Socket, Socket]

  constructor(client: Socket, server: Socket, isSilent: boolean) {
    this.isSilent = isSilent
    this.#sockets = [client, server]
    this.#carry(client, server)
    this.#carry(server, client)
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Calls back when both halves are closed: in a silence one of them may be so for long. */
  onEnd(done: () => void): void {
    const check = () => {
      if (this.#sockets.every(({ closed }) => closed)) done()
    }
    for (const socket of this.#sockets) socket.once('close', check)
  }

  #carry(from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (!this.isSilent) to.write(chunk)
    })
    // A silent network does not carry the news of an end either.
    from.on('close', () => {
      if (!this.isSilent) to.destroy()
    })
    from.on('error', () => {})
  }
}
