import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { Session } from 'coatcheck'
import { sessions, toExchange } from 'coatcheck/adapters/node'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Values } from '../http/http-case.ts'
import { type Kept, keep } from '../http/node-server.ts'

type Handle = (
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  session: Session<Values>,
) => unknown

interface Received {
  readonly headers: IncomingHttpHeaders & { readonly ':status'?: number }
  readonly trailers: IncomingHttpHeaders
  readonly body: string
}

async function serve(handle: Handle, kept: Kept = keep()): Promise<ClientHttp2Session> {
  const middleware = sessions(kept.manager)
  const server = createServer((request, response) => {
    void middleware(request, response).then((session) => session && handle(request, response, session))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listening on TCP
  const client = connect(`http://127.0.0.1:${port}`)
  onTestFinished(async () => {
    client.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return client
}

async function ask(client: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): Promise<Received> {
  const stream = client.request({ ':path': '/', ...headers })
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', (received: IncomingHttpHeaders) => {
    trailers = received
  })
  const [received] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  let body = ''
  for await (const chunk of stream) body += String(chunk)
  return { headers: received, trailers, body }
}

const setCookies = ({ headers }: Received): readonly string[] => headers['set-cookie'] ?? []
const pairOf = (line: string | undefined): string => line?.split(';')[0] ?? ''

describe("coatcheck/adapters/node under HTTP/2's compatibility API", () => {
  it('gives each request its session, of a cookie in one header or in crumbs', async () => {
    const client = await serve((request, response, session) => {
      if (request.url === '/in') session.setUserId('ada')
      response.end(session.userId ?? 'nobody')
    })
    const cookie = pairOf(setCookies(await ask(client, { ':path': '/in' }))[0])
    expect(cookie).toMatch(/^__Host-id=/)
    expect((await ask(client, { cookie })).body).toBe('ada')
    expect((await ask(client, { cookie: ['theme=dark', cookie, 'a=b'] })).body).toBe('ada')
    expect((await ask(client)).body).toBe('nobody')
  })

  it('commits before the head of every kind of answer, and sends other cookies as they are', async () => {
    const answers: Record<string, (response: Http2ServerResponse) => unknown> = {
      end: (res) => res.end('one two'),
      write: (res) => {
        res.write('one ')
        res.end('two')
      },
      object: (res) => res.writeHead(200, { 'set-cookie': 'a=1' }).end('one two'),
      list: (res) =>
        res.writeHead(200, ['set-cookie', 'a=1'] as unknown as OutgoingHttpHeaders).end('one two'), // node takes both
      flush: (res) => {
        ;(res as unknown as { flushHeaders(): void }).flushHeaders() // missing in its types
        res.end('one two')
      },
      pipe: (res) => Readable.from(['one ', 'two']).pipe(res), // as documented
    }
    const client = await serve((request, response, session) => {
      session.set('answer', request.url)
      answers[request.url.slice(1)]?.(response)
    })
    for (const name of Object.keys(answers)) {
      const received = await ask(client, { ':path': `/${name}` })
      expect({ name, status: received.headers[':status'], body: received.body }).toEqual({
        name,
        status: 200,
        body: 'one two',
      })
      const given = setCookies(received).map((line) => line.split('=')[0])
      expect(given).toEqual(name === 'object' || name === 'list' ? ['a', '__Host-id'] : ['__Host-id'])
      expect(received.headers.vary).toBe('Cookie')
    }
  })

  it('answers 503 instead of body, cookie and trailers if the commit fails', async () => {
    const kept = keep()
    kept.store.failing.add('create')
    const client = await serve((_request, response, session) => {
      session.set('a', 1)
      response.setHeader('etag', '"1"')
      response.addTrailers({ 'x-sum': '42' })
      response.write('secret')
      response.end()
    }, kept)
    for (let round = 0; round < 3; round++) {
      const received = await ask(client)
      expect(received.headers[':status']).toBe(503)
      expect(received.body).toBe('Service Unavailable\n')
      expect(received.headers.etag).toBeUndefined()
      expect(setCookies(received)).toEqual([])
      expect(received.trailers).toEqual({})
    }
  })

  it('sends trailers after a commit', async () => {
    const client = await serve((_request, response, session) => {
      session.set('a', 1)
      response.write('body')
      response.addTrailers({ 'x-sum': '42' })
      response.end()
    })
    expect((await ask(client)).trailers).toMatchObject({ 'x-sum': '42' })
  })

  it('survives a client that resets the stream while the commit is under way', async () => {
    const kept = keep()
    const open = kept.shut()
    const client = await serve((request, response, session) => {
      if (request.url === '/in') session.setUserId('ada')
      response.write('one')
      response.end('two')
    }, kept)
    const stream = client.request({ ':path': '/in' })
    stream.on('error', () => {})
    while (kept.store.calls.create === 0) await turn()
    stream.close(8)
    await once(stream, 'close')
    open()
    while ((await kept.manager.listSessions('ada')).length === 0) await turn()
    expect((await ask(client)).body).toBe('onetwo')
  })

  it('reads the host and the address', async () => {
    const client = await serve((request, response) => {
      const exchange = toExchange(request, response)
      response.end(`${exchange.header('host')} ${exchange.address}`)
    })
    expect((await ask(client)).body).toMatch(/^127\.0\.0\.1:\d+ 127\.0\.0\.1$/)
  })
})
