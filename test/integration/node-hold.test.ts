import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { keep, serve } from '../http/node-server.ts'

/** Lets everything that is ready happen. */
async function settle(): Promise<void> {
  for (let at = 0; at < 20; at++) await turn()
}

describe('a response whose session is being committed', () => {
  it('says that its head has not gone, refuses more for now, and keeps the order', async () => {
    const told: unknown[] = []
    const kept = keep()
    const open = kept.shut()
    const { browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      response.on('drain', () => told.push('drain'))
      told.push(response.write('one ', () => told.push('one')))
      told.push(response.write('74776f20', 'hex', () => told.push('two')))
      told.push(response.headersSent, response.writableEnded)
      response.end(Buffer.from('three'), () => told.push('end'))
      told.push(response.headersSent, response.writableEnded, response.writableFinished)
    }, kept)
    const answer = browser.send('/')
    await settle()
    expect(told).toEqual([false, false, false, false, false, true, false])
    open()
    expect((await answer).body).toBe('one two three')
    expect(told.slice(7)).toEqual(['one', 'two', 'end'])
  })

  it('says through whatever is made of it that it has ended', async () => {
    const told: unknown[] = []
    const kept = keep()
    const open = kept.shut()
    const { browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      const wrapper = Object.create(response) as typeof response
      const tell = () => told.push(wrapper.writableEnded)
      tell()
      response.end('answer', tell)
      tell()
    }, kept)
    const answer = browser.send('/')
    await settle()
    open()
    expect((await answer).body).toBe('answer')
    expect(told).toEqual([false, true, true])
  })

  it('leaves it to a response that keeps writableEnded itself, as mocks do', async () => {
    const told: unknown[] = []
    const { browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      Object.defineProperty(response, 'writableEnded', { value: false, writable: true, configurable: true })
      response.end('answer', () => {
        Object.assign(response, { writableEnded: 'by itself' })
        told.push(response.writableEnded)
      })
      told.push(response.writableEnded)
    })
    expect((await browser.send('/')).body).toBe('answer')
    expect(told).toEqual([true, 'by itself'])
  })

  it('emits drain once the head has gone', async () => {
    const kept = keep()
    const open = kept.shut()
    const { browser } = await serve(async (_request, response, session) => {
      session.set('a', 1)
      response.write('one ')
      await once(response, 'drain')
      response.end(String(response.headersSent))
    }, kept)
    const answer = browser.send('/')
    await settle()
    open()
    expect((await answer).body).toBe('one true')
  })

  for (const [name, send] of [
    ['pipe', async (source: Readable, response: NodeJS.WritableStream) => source.pipe(response)],
    ['pipeline', (source: Readable, response: NodeJS.WritableStream) => pipeline(source, response)],
  ] as const) {
    it(`takes one chunk of what ${name} brings, and the rest when the head has gone`, async () => {
      let read = 0
      const kept = keep()
      const open = kept.shut()
      const { browser } = await serve((_request, response, session) => {
        session.set('a', 1)
        const chunks = (function* () {
          for (; read < 256; read++) yield Buffer.alloc(16_384, read)
        })()
        void send(Readable.from(chunks, { objectMode: false, highWaterMark: 16_384 }), response)
      }, kept)
      const answer = browser.send('/')
      await settle()
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(5)
      open()
      expect((await answer).body.length).toBeGreaterThan(256 * 16_384 - 1)
      expect(read).toBe(256)
    })
  }

  it('goes to a client that waits for its head as soon as the commit is done', async () => {
    let finish = (): void => {}
    const { browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      response.flushHeaders()
      finish = () => response.end('body')
    })
    const received = await browser.send('/', { onHead: () => finish() })
    expect(received.body).toBe('body')
    expect(received.setCookies.length).toBe(1)
  })

  it('ignores a second end and what is written after the first', async () => {
    const calls: string[] = []
    const { browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      response.end('first', () => calls.push('first'))
      response.end('second', () => calls.push('second'))
      response.write('third', () => calls.push('third'))
      response.writeHead(500, { 'X-Late': '1' })
      response.setHeader('X-Later', '1')
      response.statusCode = 404
      response.statusMessage = 'Too late'
      response.flushHeaders()
    })
    const { status, reason, headers, body, setCookies } = await browser.send('/')
    expect({ status, reason, body, late: headers['x-late'], later: headers['x-later'] }).toEqual({
      status: 200,
      reason: 'OK',
      body: 'first',
      late: undefined,
      later: undefined,
    })
    expect(setCookies.length).toBe(1)
    expect(calls.sort()).toEqual(['first', 'second', 'third'])
  })

  it('gives way to an error page, whose status decides, until it is ended', async () => {
    const { browser, store } = await serve((_request, response, session) => {
      session.set('a', 1)
      response.setHeader('Content-Type', 'text/csv')
      response.write('half a table')
      if (response.headersSent) return
      response.writeHead(500, { 'Content-Type': 'text/html' })
      response.end('an error page')
    })
    const received = await browser.send('/')
    expect([received.status, received.body]).toEqual([500, 'an error page'])
    expect(received.headers['content-type']).toBe('text/html')
    expect(received.setCookies).toEqual([])
    expect(store.writes()).toBe(0)
  })

  it('gives way to a second answer of its own length under the same status, and keeps the connection in step', async () => {
    const { browser } = await serve((request, response, session) => {
      if (request.url === '/next') return response.end('next')
      session.set('a', 1)
      response.write('half a table')
      response.setHeader('Content-Length', 5)
      return response.end('sorry')
    })
    expect((await browser.send('/')).body).toBe('sorry')
    expect((await browser.send('/next')).body).toBe('next')
  })

  it("throws node's own errors for chunks that are none", async () => {
    const { browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      const codes = [1, null, {}].map((chunk) => {
        try {
          response.write(chunk) // what is tested
          return 'none'
        } catch (error) {
          return (error as NodeJS.ErrnoException).code // node's errors have one
        }
      })
      response.end(codes.join())
    })
    expect((await browser.send('/')).body).toBe(
      'ERR_INVALID_ARG_TYPE,ERR_STREAM_NULL_VALUES,ERR_INVALID_ARG_TYPE',
    )
  })

  it('lets informational responses pass at once, and trailers follow', async () => {
    const kept = keep()
    const open = kept.shut()
    const { port } = await serve((_request, response, session) => {
      session.set('a', 1)
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.writeProcessing()
      response.setHeader('Trailer', 'X-Sum')
      response.write('body')
      response.addTrailers({ 'X-Sum': '42' })
      response.end()
    }, kept)
    const request = get({ port })
    const [hints] = (await once(request, 'information')) as [{ statusCode: number }]
    expect(hints.statusCode).toBe(103)
    open()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    expect(response.headers['set-cookie']?.length).toBe(1)
    expect(response.trailers).toEqual({ 'x-sum': '42' })
  })

  it('is committed though the client goes away meanwhile, and the server goes on', async () => {
    const kept = keep()
    const open = kept.shut()
    const { browser, port, store } = await serve((request, response, session) => {
      if (request.url === '/in') session.setUserId('ada')
      void pipeline(Readable.from(['a', 'b']), response).catch(() => {})
    }, kept)
    const request = get({ port, path: '/in' })
    request.on('error', () => {})
    await settle()
    while (store.calls.create === 0) await turn()
    request.destroy()
    await settle()
    open()
    while ((await kept.manager.listSessions('ada')).length === 0) await turn()
    expect((await browser.send('/read')).body).toBe('ab')
  })

  it('is committed if the handler ends it after the client has gone', async () => {
    let leave = (): void => {}
    const { port, manager } = await serve(async (_request, response, session) => {
      session.setUserId('ada')
      leave()
      await once(response, 'close')
      response.end('to nobody')
    })
    const request = get({ port })
    request.on('error', () => {})
    leave = () => request.destroy()
    while ((await manager.listSessions('ada')).length === 0) await turn()
  })

  it('is not committed where the client goes away and the handler never answers', async () => {
    let leave = (): void => {}
    let hasClosed = false
    const { browser, port, store } = await serve(async (request, response, session) => {
      if (request.url === '/read') {
        response.end('still here')
        return
      }
      session.setUserId('ada')
      leave()
      await once(response, 'close')
      hasClosed = true
    })
    const request = get({ port })
    request.on('error', () => {})
    leave = () => request.destroy()
    while (!hasClosed) await turn()
    await settle()
    expect(store.writes()).toBe(0)
    expect((await browser.send('/read')).body).toBe('still here')
  })

  it('keeps its place among the requests of one connection', async () => {
    const kept = keep()
    const { port } = await serve((request, response, session) => {
      if (request.url === '/2') session.setUserId('ada')
      response.end(`(${request.url})`)
    }, kept)
    const socket = connect(port, '127.0.0.1')
    socket.write(
      ['/1', '/2', '/3'].map((url) => `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`).join('') +
        'GET /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    )
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text.match(/\(\/\d\)/g)).toEqual(['(/1)', '(/2)', '(/3)', '(/4)'])
    expect(text.match(/set-cookie: __Host-id/gi)?.length).toBe(1)
  })
})

describe('a response whose session could not be committed', () => {
  it('calls every callback, swallows what follows and stops an endless source', async () => {
    const calls: string[] = []
    let read = 0
    const kept = keep()
    kept.store.failing.add('create')
    const { browser } = await serve(async (_request, response, session) => {
      session.set('a', 1)
      response.write('one', () => calls.push('one'))
      const endless = (async function* () {
        for (; ; read++) yield 'x'.repeat(1024)
      })()
      await pipeline(Readable.from(endless), response).catch(() => calls.push('stopped'))
      response.write('late', () => calls.push('late'))
      response.end('late', () => calls.push('end'))
      response.writeHead(200)
      response.flushHeaders()
    }, kept)
    const received = await browser.send('/')
    expect([received.status, received.body]).toEqual([503, 'Service Unavailable\n'])
    await settle()
    expect(calls).toEqual(['one', 'stopped', 'late', 'end'])
    expect(read).toBeLessThan(10_000)
  })

  it('wakes a handler that waits for drain', async () => {
    const kept = keep()
    kept.store.failing.add('create')
    let hasDrained = false
    const { browser } = await serve(async (_request, response, session) => {
      session.set('a', 1)
      response.write('one')
      await once(response, 'drain')
      hasDrained = true
      response.end()
    }, kept)
    expect((await browser.send('/')).status).toBe(503)
    await settle()
    expect(hasDrained).toBe(true)
  })

  it('has no body for HEAD, and one for what was to be a 204', async () => {
    const kept = keep()
    kept.store.failing.add('create')
    const { browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      response.writeHead(204, 'Nothing').end()
    }, kept)
    const head = await browser.send('/', { method: 'HEAD' })
    expect([head.status, head.body]).toEqual([503, ''])
    expect((await browser.send('/')).body).toBe('Service Unavailable\n')
  })
})
