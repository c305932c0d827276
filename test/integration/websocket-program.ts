import type { Server } from 'node:http'
import type { SessionManager } from 'coatcheck'
import { toExchange } from 'coatcheck/adapters/node'
import { type WebSocket, WebSocketServer } from 'ws'

const SESSION_OVER = 4401 // 4000 to 4999 are the application's own codes
const TRY_AGAIN = 1013

export interface Sockets {
  /** Who is connected, by socket. */
  readonly sessionIds: ReadonlyMap<WebSocket, string>
  /** Closes the sockets of sessions that are over: signed out, revoked or expired. */
  closeEnded(): Promise<void>
}

/** Accepts WebSockets of signed-in users, from pages of `origin` only, and answers what they say. */
export function acceptSockets(server: Server, manager: SessionManager, origin: string): Sockets {
  const upgrades = new WebSocketServer({ noServer: true })
  const sessionIds = new Map<WebSocket, string>()

  server.on('upgrade', (req, socket, head) => {
    const refuse = (status: string) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
    socket.on('error', () => socket.destroy())
    // Any page can open a socket here, cookies included: only the origin tells whose page it is.
    if (req.headers.origin !== origin) {
      refuse('403 Forbidden')
      return
    }
    manager.start(toExchange(req)).then(
      ({ id, userId }) => {
        if (userId === undefined) refuse('401 Unauthorized')
        else upgrades.handleUpgrade(req, socket, head, (opened) => serve(opened, id, userId))
      },
      () => refuse('503 Service Unavailable'),
    )
  })

  function serve(socket: WebSocket, id: string, userId: string): void {
    sessionIds.set(socket, id)
    socket.on('close', () => sessionIds.delete(socket))
    socket.on('error', () => socket.terminate())
    socket.on('message', (data) => {
      // Keeps the session in use, and tells whether there still is one.
      manager.touch(id).then(
        (isLive) => {
          if (isLive) socket.send(`${userId}: ${String(data)}`)
          else socket.close(SESSION_OVER, 'session over')
        },
        () => socket.close(TRY_AGAIN, 'try again later'),
      )
    })
  }

  async function closeEnded(): Promise<void> {
    for (const [socket, id] of sessionIds) {
      if ((await manager.find(id)) === undefined) socket.close(SESSION_OVER, 'session over')
    }
  }

  return { sessionIds, closeEnded }
}
