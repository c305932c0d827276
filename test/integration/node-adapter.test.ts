import { once } from 'node:events'
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { getSession, type Session, StateError } from 'coatcheck'
import { sessions, toExchange } from 'coatcheck/adapters/node'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Browser } from '../http/browser.ts'
import { listen } from '../http/node-harness.ts'
import { keep, serve } from '../http/node-server.ts'

async function start(
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<Browser> {
  const { port, close } = await listen((request, response) => void listener(request, response))
  onTestFinished(close)
  const browser = new Browser(port)
  onTestFinished(() => browser.close())
  return browser
}

describe('sessions(manager) of coatcheck/adapters/node', () => {
  it('gives the session to who awaits it, without a next', async () => {
    const { manager } = keep()
    const middleware = sessions(manager)
    const browser = await start(async (request, response) => {
      const session = await middleware(request, response)
      session?.setUserId('ada')
      response.end(session?.userId)
    })
    const received = await browser.ask('/')
    expect(received.body).toBe('ada')
    expect(received.setCookies.length).toBe(1)
  })

  it('answers 503 itself where there is no next, and gives no session', async () => {
    const { manager, store } = keep()
    const middleware = sessions(manager)
    const given: unknown[] = []
    const browser = await start(async (request, response) => {
      const session = await middleware(request, response)
      given.push(session)
      if (session !== undefined) response.end(session.setUserId('ada').userId)
    })
    await browser.ask('/')
    store.failing.add('get')
    const received = await browser.ask('/')
    expect([received.status, received.body]).toEqual([503, 'Service Unavailable\n'])
    expect(received.headers['cache-control']).toBe('no-store')
    expect(given[1]).toBeUndefined()
  })

  it('puts the session where the application wants it', async () => {
    const { manager } = keep()
    const middleware = sessions(manager, { property: 'visit' })
    const browser = await start(async (request, response) => {
      const session = await middleware(request, response)
      response.end(String((request as unknown as { visit: unknown }).visit === session)) // the property named above
    })
    expect((await browser.ask('/')).body).toBe('true')
  })

  it('refuses a second manager under the same property', async () => {
    const other = keep({ cookie: { name: '__Host-other' } })
    const [first, second] = [sessions(keep().manager), sessions(other.manager)]
    const browser = await start(async (request, response) => {
      await first(request, response)
      await second(request, response, (error) => {
        response.end(error instanceof StateError ? error.message : 'no error')
      })
    })
    expect((await browser.ask('/')).body).toBe(
      'request.session is taken: give this manager a property of its own',
    )
  })

  it('keeps the address that the application reads', async () => {
    const { manager } = keep()
    const middleware = sessions(manager, { address: (request) => String(request.headers['x-real-ip']) })
    const browser = await start(async (request, response) => {
      const session = await middleware(request, response)
      session?.setUserId('ada')
      response.end()
    })
    await browser.ask('/', { headers: { 'x-real-ip': '192.0.2.7' } })
    expect((await manager.listSessions('ada'))[0]?.address).toBe('192.0.2.7')
  })

  it('commits before the head under two copies of the package, as bundlers make them', async () => {
    const { manager } = keep()
    vi.resetModules()
    const copy = await import('coatcheck/adapters/node')
    expect(copy.sessions).not.toBe(sessions)
    const admins = keep({ cookie: { name: '__Host-admin' } }).manager
    const [outer, inner] = [sessions(manager), copy.sessions(admins, { property: 'admin' })]
    const browser = await start(async (request, response) => {
      const both = [await outer(request, response), await inner(request, response)]
      for (const session of both) session?.set('a', 1)
      response.write('one ')
      response.end('two')
    })
    const received = await browser.ask('/')
    expect(received.body).toBe('one two')
    expect([...browser.jar.keys()]).toEqual(['__Host-admin', '__Host-id'])
  })

  it('works below and above code that wraps the response in its own way', async () => {
    const { manager } = keep()
    const middleware = sessions(manager)
    const seen: string[] = []
    const browser = await start(async (request, response) => {
      wrap(response, 'below', seen)
      const session = await middleware(request, response)
      wrap(response, 'above', seen)
      session?.set('a', 1)
      response.write('one ')
      response.end('two')
    })
    const received = await browser.ask('/')
    expect(received.body).toBe('ONE TWO')
    expect(received.headers['x-above']).toBe('1')
    expect(received.headers['x-below']).toBe('1')
    expect(received.setCookies.length).toBe(1)
    expect(seen).toEqual(['above', 'below'])
  })
})

/** What compression and on-headers do: set headers when the head goes, change the chunks. */
function wrap(response: ServerResponse, name: string, seen: string[]): void {
  const { write, end, writeHead } = response
  let hasHead = false
  response.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    if (!hasHead) seen.push(name)
    hasHead = true
    if (!this.headersSent) this.setHeader(`X-${name}`, '1')
    return Reflect.apply(writeHead, this, args) as ServerResponse
  }
  response.write = ((chunk: string) => {
    if (response.writableEnded) throw new Error('written to after its end')
    if (!response.headersSent && !hasHead) response.writeHead(response.statusCode)
    return Reflect.apply(write, response, [chunk.toUpperCase()]) as boolean
  }) as typeof write
  response.end = ((chunk?: string) =>
    Reflect.apply(
      end,
      response,
      chunk === undefined ? [] : [chunk.toUpperCase()],
    ) as ServerResponse) as typeof end
}

describe('toExchange(request)', () => {
  it('of an upgrade can be read, and changes nothing', async () => {
    const { manager, browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      response.end()
    })
    await browser.ask('/')
    const found: unknown[] = []
    const server = createServer()
    server.on('upgrade', (request, socket) => {
      const exchange = toExchange(request)
      void manager.start(exchange).then(async (session: Session) => {
        found.push(session.get('a'), exchange.headSent, exchange.status)
        try {
          session.set('a', 2)
        } catch (error) {
          found.push((error as StateError).code) // as the class says
        }
        await manager.refresh(exchange, session)
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const upgrade = ask({
      port: (server.address() as { port: number }).port,
      headers: { cookie: browser.cookie, connection: 'Upgrade', upgrade: 'x' },
    }).end()
    const [response] = (await once(upgrade, 'response')) as [IncomingMessage]
    response.resume()
    expect(found).toEqual([1, true, 101, 'ERR_SESSION_STATE'])
  })
})

describe('toExchange(request, response)', () => {
  it('of a response whose head has gone can be started from, and changes nothing', async () => {
    const { manager } = keep()
    const browser = await start(async (request, response) => {
      response.write('head ')
      const session = await manager.start(toExchange(request, response))
      try {
        session.set('a', 1)
      } catch (error) {
        response.end((error as StateError).code) // as the class says
      }
    })
    const received = await browser.ask('/')
    expect([received.status, received.body]).toEqual([200, 'head ERR_SESSION_STATE'])
  })
})

describe('getSession() over HTTP', () => {
  it('gives 500 interleaved users their own session and no other', async () => {
    const kept = keep()
    const { browser } = await serve(async (request, response) => {
      const user = request.url?.slice(1) ?? ''
      await delay(Math.random() * 10)
      getSession()?.setUserId(user)
      await delay(Math.random() * 10)
      const all = [getSession()?.userId, getSession(kept.manager)?.userId]
      response.end(all.join())
    }, kept)
    await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        const received = await browser.send(`/user-${index}`, { cookie: '' })
        expect(received.body).toBe(`user-${index},user-${index}`)
      }),
    )
  })

  it('follows a request into its timers, its streams and its events, and ends with it', async () => {
    const { browser } = await serve(async (request, response, session) => {
      session.setUserId(request.url?.slice(1) || 'nobody')
      const seen: unknown[] = []
      setTimeout(() => seen.push(getSession()?.userId), 1)
      response.on('finish', () => seen.push(getSession()?.userId))
      await delay(5)
      response.on('close', () => {
        late.push(seen)
      })
      response.end()
    })
    const late: unknown[] = []
    await browser.send('/ada')
    await browser.send('/bob')
    expect(late).toEqual([
      ['ada', 'ada'],
      ['bob', 'bob'],
    ])
    expect(getSession()).toBeUndefined()
  })
})

it('an application of two managers asks for each by its name', async () => {
  const [users, admins] = [keep().manager, keep({ cookie: { name: '__Host-admin' } }).manager]
  const [outer, inner] = [sessions(users), sessions(admins, { property: 'admin' })]
  const browser = await start((request, response) =>
    outer(request, response, () => {
      void inner(request, response, () => {
        getSession(users)?.set('who', 'user')
        getSession(admins)?.set('who', 'admin')
        const told = [getSession(users)?.get('who'), getSession(admins)?.get('who'), getSession()?.get('who')]
        response.statusCode = 500 // nothing is stored
        response.end(told.join())
      })
    }),
  )
  expect((await browser.ask('/')).body).toBe('user,admin,admin')
})
