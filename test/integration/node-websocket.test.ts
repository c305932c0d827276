import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sessions } from 'coatcheck/adapters/express'
import 'coatcheck/adapters/express/global'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Browser } from '../http/browser.ts'
import { type Kept, keep } from '../http/node-server.ts'
import { acceptSockets, type Sockets } from './websocket-program.ts'

const ORIGIN = 'https://app.example'

interface Running extends Kept {
  readonly browser: Browser
  readonly sockets: Sockets
  /** Opens a socket as a page would. */
  open(headers?: Record<string, string>): WebSocket
}

async function start(): Promise<Running> {
  const kept = keep()
  const app = express().use(sessions(kept.manager))
  app.get('/in', (req, res) => {
    req.session.setUserId('ada')
    res.end()
  })
  app.get('/out', (req, res) => {
    req.session.destroy()
    res.end()
  })
  const server = createServer(app)
  const sockets = acceptSockets(server, kept.manager, ORIGIN)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listening on TCP
  const browser = new Browser(port)
  const opened: WebSocket[] = []
  const open = (headers: Record<string, string> = {}): WebSocket => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, {
      headers: { origin: ORIGIN, cookie: browser.cookie, ...headers },
    })
    opened.push(socket)
    return socket
  }
  onTestFinished(async () => {
    for (const socket of opened) socket.on('error', () => {}).terminate()
    browser.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { ...kept, browser, sockets, open }
}

async function statusOf(socket: WebSocket): Promise<number | undefined> {
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }]
  return response.statusCode
}

async function say(socket: WebSocket, text: string): Promise<string> {
  socket.send(text)
  const [answer] = (await once(socket, 'message')) as [Buffer]
  return answer.toString()
}

describe('the program of docs/guides/websockets.md', () => {
  it('is the one that is tested here', () => {
    const program = readFileSync(new URL('./websocket-program.ts', import.meta.url), 'utf8')
    expect(readFileSync('docs/guides/websockets.md', 'utf8')).toContain(`\`\`\`ts\n${program}\`\`\`\n`)
  })

  it('answers a signed-in user, in a session that is only read', async () => {
    const { browser, open, store } = await start()
    await browser.ask('/in')
    store.forget()
    const socket = open()
    await once(socket, 'open')
    expect(await say(socket, 'hello')).toBe('ada: hello')
    expect(store.writes()).toBe(0)
  })

  it('refuses the pages of other origins, and clients that name none, without asking the store (R-042)', async () => {
    const { browser, open, store } = await start()
    await browser.ask('/in')
    store.forget()
    for (const origin of ['https://evil.example', `${ORIGIN}.evil.example`, 'null', '']) {
      expect(await statusOf(open({ origin }))).toBe(403)
    }
    expect(store.calls.get).toBe(0)
  })

  it('refuses who is not signed in, and forged cookies', async () => {
    const { browser, open } = await start()
    await browser.ask('/in')
    for (const cookie of ['', `${browser.cookie}x`, '__Host-id=AAAA']) {
      expect(await statusOf(open({ cookie }))).toBe(401)
    }
  })

  it('answers 503, and nobody is let in, while the store is down', async () => {
    const { browser, open, store } = await start()
    await browser.ask('/in')
    store.failing.add('get')
    expect(await statusOf(open())).toBe(503)
  })

  it('closes the sockets of a session that signed out, and of no other (R-042)', async () => {
    const { browser, open, sockets } = await start()
    await browser.ask('/in')
    const ended = open()
    await once(ended, 'open')
    const tab = browser.copy()
    await browser.ask('/in', { cookie: '' })
    const other = open()
    await once(other, 'open')
    await tab.ask('/out')
    const closed = once(ended, 'close')
    await sockets.closeEnded()
    expect((await closed)[0]).toBe(4401)
    expect(await say(other, 'still here')).toBe('ada: still here')
    expect(sockets.sessionIds.size).toBe(1)
  })

  it('answers nothing while the store is down', async () => {
    const { browser, open, store } = await start()
    await browser.ask('/in')
    const socket = open()
    await once(socket, 'open')
    store.failing.add('get')
    const closed = once(socket, 'close')
    socket.send('hello?')
    expect((await closed)[0]).toBe(1013)
  })

  it('does not answer in a session that was revoked', async () => {
    const { browser, open, manager } = await start()
    await browser.ask('/in')
    const socket = open()
    await once(socket, 'open')
    await manager.revokeAll('ada')
    const closed = once(socket, 'close')
    socket.send('hello?')
    expect((await closed)[0]).toBe(4401)
  })
})
