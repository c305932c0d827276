import { once } from 'node:events'
import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import { toExchange } from 'coatcheck/adapters/node'
import { describe, expect, it } from 'vitest'
import { serve } from '../http/node-server.ts'

const OTHER = 'theme=dark; Path=/'

/** Every way to call `writeHead` with the same head. */
const overloads: readonly (readonly [name: string, write: (response: ServerResponse) => unknown])[] = [
  ['an object', (res) => res.writeHead(201, { 'X-One': '1', 'Set-Cookie': OTHER })],
  ['an object of lists', (res) => res.writeHead(201, { 'X-One': ['1'], 'Set-Cookie': [OTHER] })],
  ['a flat list', (res) => res.writeHead(201, ['X-One', '1', 'Set-Cookie', OTHER])],
  [
    'a list of pairs',
    // The types know the flat list only; node takes both.
    (res) =>
      res.writeHead(201, [
        ['X-One', '1'],
        ['Set-Cookie', OTHER],
      ] as unknown as string[]),
  ],
  ['a reason and an object', (res) => res.writeHead(201, 'Made', { 'X-One': '1', 'Set-Cookie': OTHER })],
  ['a reason and a flat list', (res) => res.writeHead(201, 'Made', ['X-One', '1', 'Set-Cookie', OTHER])],
]

describe('writeHead under coatcheck/adapters/node', () => {
  for (const [name, write] of overloads) {
    it(`keeps status, headers and cookies given as ${name}, beside ours`, async () => {
      const { browser } = await serve((request, response, session) => {
        if (request.url === '/write') session.setUserId('ada')
        response.setHeader('X-One', 'replaced')
        response.setHeader('X-Two', '2')
        write(response)
        response.end('body')
      })
      for (const url of ['/read', '/write']) {
        const { status, headers, setCookies, body } = await browser.send(url)
        expect({ status, one: headers['x-one'], two: headers['x-two'], body }).toEqual({
          status: 201,
          one: '1',
          two: '2',
          body: 'body',
        })
        expect(setCookies[0]).toBe(OTHER)
        expect(setCookies.length).toBe(url === '/read' ? 1 : 2)
        expect(headers.vary).toBe('Cookie')
      }
    })
  }

  it('sends the several headers of one name that a list has', async () => {
    const { browser } = await serve((_request, response, session) => {
      session.setUserId('ada')
      response.setHeader('Set-Cookie', 'gone=1')
      response.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Vary', 'Accept'])
      response.end()
    })
    const { setCookies, headers } = await browser.send('/')
    expect(setCookies.slice(0, 2)).toEqual(['a=1', 'b=2'])
    expect(setCookies.length).toBe(3)
    expect(headers.vary).toBe('Accept, Cookie')
  })

  it('decides by the status given to it', async () => {
    const { browser, store } = await serve((request, response, session) => {
      session.set('a', 1)
      response.writeHead(Number(request.url?.slice(1)))
      response.end()
    })
    expect((await browser.send('/500')).setCookies).toEqual([])
    expect(store.writes()).toBe(0)
    expect((await browser.send('/404')).setCookies.length).toBe(1)
    expect(store.writes()).toBe(1)
  })

  it('sends the reason', async () => {
    const { port } = await serve((request, response, session) => {
      if (request.url === '/write') session.set('a', 1)
      response.writeHead(200, 'Fine by me').end()
    })
    for (const path of ['/read', '/write']) {
      const [response] = (await once(get({ port, path }), 'response')) as [IncomingMessage]
      expect(response.resume().statusMessage).toBe('Fine by me')
    }
  })

  it('lets a session change until something of the body goes', async () => {
    const { browser } = await serve((_request, response, session) => {
      response.writeHead(200)
      session.set('a', 1)
      response.end(JSON.stringify(session.values()))
    })
    const received = await browser.send('/')
    expect(received.body).toBe('{"a":1}')
    expect(received.setCookies.length).toBe(1)
  })

  it('answers 500, with the cookie of what was committed, where node refuses the head', async () => {
    const { browser } = await serve((_request, response, session) => {
      session.set('a', 1)
      response.statusMessage = 'two\r\nlines'
      response.end('never')
    })
    const received = await browser.send('/')
    expect(received.status).toBe(500)
    expect(received.body).not.toContain('never')
    expect(received.setCookies.length).toBe(1)
  })

  it('keeps a cookie that was set early through whatever replaces the headers', async () => {
    const { browser, manager } = await serve(async (request, response, session) => {
      if (request.url === '/in') session.setUserId('ada')
      else {
        await manager.destroy(toExchange(request, response), session)
        response.removeHeader('Set-Cookie')
        response.writeHead(200, { 'Set-Cookie': OTHER, 'Cache-Control': 'public' })
      }
      response.end()
    })
    await browser.ask('/in')
    const { setCookies, headers } = await browser.ask('/out')
    expect(setCookies.length).toBe(2)
    expect(setCookies[0]).toBe(OTHER)
    expect(headers['cache-control']).toBe('no-store')
    expect(browser.jar.has('__Host-id')).toBe(false)
  })
})
