import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Session, ValueError } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/node'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../http/node-harness.ts'
import { scale } from '../servers/scale.ts'
import { brokenHead, COOKIE, hostileCookie, hostileText, hostileUserAgent, type Seeds } from './mutations.ts'
import { askOnce, PipelinedConnection } from './pipelined.ts'
import { newSeed, type Random, randomFrom } from './random.ts'
import { listenToProcess } from './silence.ts'
import { type Protection, Target } from './target.ts'

const REQUESTS = 10_000 * scale
/** On a connection of their own, because the parser ends it. */
const BROKEN = REQUESTS / 100
const CONNECTIONS = 8
const IN_ONE_GO = 25

/** An application of four routes, that answers what its values are worth and nothing about why. */
function answer(url: string, session: Session, response: ServerResponse): void {
  const [, route, argument = ''] = url.split('/')
  if (route === 'set') {
    try {
      session.set('text', Buffer.from(argument, 'hex').toString('utf16le'))
    } catch (error) {
      if (!(error instanceof ValueError)) throw error
      response.statusCode = 400
    }
  } else if (route === 'sign-in') session.setUserId('ada')
  else if (route === 'destroy') session.destroy()
  response.end(route === 'destroy' ? 'gone' : (session.userId ?? 'nobody'))
}

async function serve(target: Target): Promise<number> {
  const middleware = sessions(target.manager)
  const { port, close } = await listen((request, response) => {
    void middleware(request, response, (error) => {
      const { session } = request as IncomingMessage & { session: Session } // put there by the middleware
      if (error === undefined) answer(request.url ?? '', session, response)
      else response.writeHead(503).end()
    })
  })
  onTestFinished(close)
  return port
}

interface Sent {
  readonly bytes: Buffer
  readonly route: 'read' | 'set' | 'sign-in' | 'destroy'
  readonly genuine: readonly string[]
}

/** Node refuses a larger head by itself (16 KiB), and at once, before it answers what came earlier on the connection. */
const LARGEST_HEAD = 16_000

const READS = Array.from({ length: 17 }, (): Sent['route'] => 'read')
const ROUTES: readonly [Sent['route'], ...Sent['route'][]] = ['set', 'sign-in', 'destroy', ...READS]

function aRequest(target: Target, seeds: Seeds, random: Random): Sent {
  const cookies = Array.from({ length: random.below(10) === 0 ? 2 : 1 }, () => hostileCookie(seeds, random))
  // node joins several Cookie lines in this way
  const genuine = target.idsIn(
    Buffer.concat(cookies.flatMap((it) => [it, Buffer.from('; ')])).toString('latin1'),
  )
  const route = genuine.length > 0 ? 'read' : random.of(ROUTES)
  const argument = route === 'set' ? `/${Buffer.from(hostileText(random), 'utf16le').toString('hex')}` : ''
  const line = (name: string, value: Buffer) => [Buffer.from(`${name}: `), value, Buffer.from('\r\n')]
  const bytes = Buffer.concat([
    Buffer.from(`GET /${route}${argument} HTTP/1.1\r\nHost: x\r\n`),
    ...cookies.flatMap((cookie) => line(random.of(['Cookie', 'cookie', 'COOKIE']), cookie)),
    ...line('User-Agent', hostileUserAgent(random)),
    ...(random.below(10) === 0 ? line('User-Agent', hostileUserAgent(random)) : []),
    Buffer.from('\r\n'),
  ])
  return bytes.length < LARGEST_HEAD ? { bytes, route, genuine } : aRequest(target, seeds, random)
}

/** Whether the answer is one that this request may have. */
function isFitting({ route, genuine }: Sent, status: number, head: string, body: string): boolean {
  const setsCookie = /\r\nset-cookie:/i.test(head)
  switch (route) {
    case 'read':
      return status === 200 && !setsCookie && (body === 'nobody' || (genuine.length > 0 && body === 'ada'))
    case 'set':
      return (status === 200 || status === 400) && setsCookie === (status === 200) && body === 'nobody'
    case 'sign-in':
      return status === 200 && setsCookie && body === 'ada'
    case 'destroy':
      return status === 200 && body === 'gone'
  }
}

describe.each<Protection>(['signed', 'encrypted'])(
  'hostile requests over sockets, where tokens are %s',
  (kind) => {
    it(`${REQUESTS} pipelined and ${BROKEN} broken ones: no crash, no 5xx, nothing read for and nothing told (R-034, R-084, R-163)`, async () => {
      const target = new Target(kind)
      const seeds = await target.seed()
      const port = await serve(target)
      const said = listenToProcess()
      const seed = newSeed()
      const allowed = new Map<string, number>()
      const allow = (id: string) => allowed.set(id, (allowed.get(id) ?? 0) + 1)

      const attack = async (lane: number): Promise<void> => {
        const random = randomFrom(seed + lane)
        const connection = await PipelinedConnection.open(port)
        for (let sent = 0; sent < REQUESTS / CONNECTIONS; sent += IN_ONE_GO) {
          const requests = Array.from({ length: IN_ONE_GO }, () => aRequest(target, seeds, random))
          for (const id of requests.flatMap(({ genuine }) => genuine)) allow(id)
          const answers = await connection.ask(requests.map(({ bytes }) => bytes))
          for (const [at, request] of requests.entries()) {
            const { status, head, body } = answers[at] ?? { status: 0, head: '', body: '' }
            if (isFitting(request, status, head, body)) continue
            const shown = request.bytes.toString('base64')
            throw new Error(`HOSTILE_SEED=${seed}: ${status} ${JSON.stringify(head + body)} to ${shown}`)
          }
        }
        connection.close()
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, (_, lane) => attack(lane)))

      const random = randomFrom(seed + CONNECTIONS)
      for (let sent = 0; sent < BROKEN; sent++) {
        const cookie = brokenHead(seeds, random)
        for (const id of target.idsIn(cookie.toString('latin1'))) allow(id)
        const head = Buffer.from('GET /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: ')
        const all = await askOnce(port, Buffer.concat([head, cookie, Buffer.from('\r\n\r\n')]))
        if (/^($|HTTP\/1\.1 (200|400|431) )/.test(all) && !/HTTP\/1\.1 5/.test(all)) continue
        throw new Error(`HOSTILE_SEED=${seed}: ${JSON.stringify(all)} to ${cookie.toString('base64')}`)
      }

      expect(target.problems).toEqual([])
      expect(said).toEqual([])
      for (const [id, count] of target.store.reads)
        expect(count, id).toBeLessThanOrEqual(allowed.get(id) ?? 0)
      const connection = await PipelinedConnection.open(port)
      for (const token of seeds.live) {
        const request = Buffer.from(`GET /read HTTP/1.1\r\nHost: x\r\nCookie: ${COOKIE}=${token}\r\n\r\n`)
        expect((await connection.ask([request]))[0]?.body).toBe('ada')
      }
      connection.close()
    })
  },
)
