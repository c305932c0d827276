import { getSession, type Session } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { describe, expect, it } from 'vitest'
import { fetchClient } from '../http/fetch-client.ts'
import type { Values } from '../http/http-case.ts'
import { type Kept, keep } from '../http/node-server.ts'

/** A manager over a clock that the test moves, and a handler that gets the session. */
function wrap(handle: (session: Session<Values>, request: Request) => Response | Promise<Response>) {
  let now = Date.UTC(2026, 0, 1)
  const kept = keep({ clock: () => now })
  const handler = sessions(kept.manager, (request: Request, ..._rest: unknown[]) =>
    handle(current(kept), request),
  )
  return {
    ...kept,
    handler,
    client: fetchClient(handler),
    advance: (seconds: number) => (now += seconds * 1000),
  }
}

function current({ manager }: Kept): Session<Values> {
  const session = getSession(manager)
  if (session === undefined) throw new Error('no session')
  return session
}

/** Signs in at /in, and does something else elsewhere. */
const signInOr =
  (other: (session: Session<Values>) => Response | Promise<Response>) =>
  (session: Session<Values>, { url }: Request) =>
    url.endsWith('/in') ? new Response(session.setUserId('ada').userId) : other(session)

/** Responses whose headers cannot be changed. */
async function immutable(): Promise<Response> {
  const response = await fetch('data:text/plain,from elsewhere')
  expect(() => response.headers.set('a', 'b')).toThrow(TypeError)
  return response
}

describe('sessions(manager, handler) of coatcheck/adapters/fetch', () => {
  it('passes every further argument through', async () => {
    const { manager } = keep()
    const handler = sessions(manager, (request: Request, env: { name: string }, last: number) => {
      return Response.json([new URL(request.url).pathname, env.name, last])
    })
    const response = await handler(new Request('http://localhost/x'), { name: 'env' }, 3)
    expect(await response.json()).toEqual(['/x', 'env', 3])
  })

  it('gives the handler, and what it awaits, its session', async () => {
    const { client } = wrap(async (session) => {
      await Promise.resolve()
      return new Response(String(getSession() === session && getSession() !== undefined))
    })
    expect(await (await client.ask('/')).text()).toBe('true')
    expect(getSession()).toBeUndefined()
  })

  it('returns the very response of the handler where its headers can be changed', async () => {
    const own = new Response('body')
    const { handler } = wrap(() => own)
    expect(await handler(new Request('http://localhost/'))).toBe(own)
    expect(own.headers.get('vary')).toBe('Cookie')
  })

  it('copies a response whose headers are immutable, with status, headers and body', async () => {
    const { client } = wrap((session, { url }) => {
      session.setUserId('ada')
      return url.endsWith('/to') ? Response.redirect('http://localhost/there', 303) : immutable()
    })
    const redirect = await client.ask('/to')
    expect([redirect.status, redirect.headers.get('location')]).toEqual([303, 'http://localhost/there'])
    expect(redirect.headers.getSetCookie().length).toBe(1)
    const fetched = await client.ask('/from')
    expect([await fetched.text(), fetched.headers.get('content-type')]).toEqual([
      'from elsewhere',
      'text/plain',
    ])
    expect(fetched.headers.getSetCookie().length).toBe(1)
    expect(fetched.headers.get('cache-control')).toBe('no-store')
  })

  it('copies an immutable response of a read too, for Vary alone', async () => {
    const { client } = wrap(immutable)
    const response = await client.ask('/')
    expect([await response.text(), response.headers.get('vary')]).toEqual(['from elsewhere', 'Cookie'])
  })

  it('leaves a network error and a switch of protocols alone', async () => {
    const upgrade = Object.defineProperty(new Response(null), 'status', { value: 101 })
    for (const own of [Response.error(), upgrade]) {
      const { handler } = wrap((session) => {
        session.get('a')
        return own
      })
      expect(await handler(new Request('http://localhost/'))).toBe(own)
      expect(own.headers.get('vary')).toBeNull()
    }
  })

  it('puts no cookie on a Response that the handler answers other requests with too', async () => {
    const noContent = new Response(null, { status: 204 })
    const { client, handler } = wrap((session, { url }) => {
      if (url.endsWith('/in')) session.setUserId('ada')
      return noContent
    })
    expect((await client.ask('/in')).headers.getSetCookie().length).toBe(1)
    const others = await handler(new Request('http://localhost/'))
    expect([others.status, others.headers.getSetCookie()]).toEqual([204, []])
    expect(others.headers.get('cache-control')).toBeNull()
  })

  it('takes a Response that is thrown for returned: below 500 it commits, from 500 on it drops', async () => {
    const { client, store } = wrap((session, { url }) => {
      session.set('a', 1)
      throw new Response('thrown', { status: url.endsWith('/bad') ? 503 : 404 })
    })
    const bad = await client.ask('/bad')
    expect([bad.status, bad.headers.getSetCookie(), store.writes()]).toEqual([503, [], 0])
    const missing = await client.ask('/missing')
    expect([missing.status, await missing.text()]).toEqual([404, 'thrown'])
    expect(missing.headers.getSetCookie().length).toBe(1)
    expect(store.calls.create).toBe(1)
  })

  it('throws on whatever else is thrown, after the ends are committed and all else is dropped', async () => {
    const failure = { not: 'even an error' }
    const { client, manager, store } = wrap(
      signInOr((session) => {
        session.destroy()
        throw failure
      }),
    )
    await client.ask('/in')
    store.forget()
    await expect(client.ask('/')).rejects.toBe(failure)
    expect(await manager.listSessions('ada')).toEqual([])

    const staging = wrap((session) => {
      session.set('a', 1)
      throw failure
    })
    await expect(staging.client.ask('/')).rejects.toBe(failure)
    expect(staging.store.writes()).toBe(0)
  })

  it("throws the handler's own error even if its ends cannot be committed", async () => {
    const failure = new Error('the handler')
    const { client, store } = wrap(
      signInOr((session) => {
        session.destroy()
        throw failure
      }),
    )
    await client.ask('/in')
    store.failing.add('delete')
    await expect(client.ask('/')).rejects.toBe(failure)
  })

  it('waits for no touch, and gives it to the waitUntil of a further argument', async () => {
    const { handler, client, shut, store, advance } = wrap(signInOr(() => new Response('read')))
    await client.ask('/in')
    const headers = { cookie: `__Host-id=${client.cookies.get('__Host-id')}` }
    advance(61)
    const works: Promise<unknown>[] = []
    const context = {
      works,
      waitUntil(work: Promise<unknown>) {
        this.works.push(work) // called as a method, or it throws
      },
    }
    // The read passes; only the touch that follows it finds the store shut.
    const answer = handler(new Request('http://localhost/', { headers }), 'env', null, undefined, context)
    while (store.calls.get === 0) await Promise.resolve()
    const open = shut()
    expect(await (await answer).text()).toBe('read')
    expect(works.length).toBe(1)
    let isTouched = false
    void works[0]?.then(() => (isTouched = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect([store.calls.touch, isTouched]).toEqual([1, false])
    open()
    await works[0]
  })

  it('answers for itself if the store fails on the way in, and never calls the handler', async () => {
    let calls = 0
    const { client, store } = wrap((session) => {
      calls++
      return new Response(session.setUserId('ada').userId)
    })
    await client.ask('/')
    store.failing.add('get')
    const response = await client.ask('/')
    expect([response.status, await response.text(), calls]).toEqual([503, 'Service Unavailable\n', 1])
    expect(response.headers.get('vary')).toBe('Cookie')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('answers for the handler if the commit fails, keeps what others set, and lets the body stop', async () => {
    let isCancelled = false
    const { client, store } = wrap((session) => {
      session.set('a', 1)
      const body = new ReadableStream({
        cancel() {
          isCancelled = true
        },
      })
      const headers = new Headers({ etag: '"1"', 'x-frame-options': 'DENY', 'content-type': 'text/html' })
      headers.append('set-cookie', 'theme=dark')
      return new Response(body, { status: 201, headers })
    })
    store.failing.add('create')
    const response = await client.ask('/')
    expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable\n'])
    expect(Object.fromEntries(response.headers)).toEqual({
      'cache-control': 'no-store',
      'content-length': '20',
      'content-type': 'text/plain; charset=utf-8',
      'set-cookie': 'theme=dark',
      vary: 'Cookie',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(isCancelled).toBe(true)
  })

  it('answers a commit that lost 409, and one that is too large 500', async () => {
    const { client, manager } = wrap(
      signInOr(async (session) => {
        await manager.revokeAll('ada')
        session.set('a', 1)
        return new Response('saved')
      }),
    )
    await client.ask('/in')
    const lost = await client.ask('/')
    expect([lost.status, await lost.text(), lost.headers.getSetCookie()]).toEqual([409, 'Conflict\n', []])
    const large = await wrap((session) => new Response(session.set('a', 'x'.repeat(70_000)).id)).client.ask(
      '/',
    )
    expect([large.status, await large.text()]).toEqual([500, 'Internal Server Error\n'])
  })

  it('is one session where it is wrapped twice, and one each for two managers', async () => {
    const [one, two] = [keep(), keep({ cookie: { name: '__Host-two' } })]
    const inner = () => {
      current(one).set('a', 1)
      current(two).set('b', 2)
      return new Response(String(getSession() === current(two)))
    }
    const handler = sessions(one.manager, sessions(one.manager, sessions(two.manager, inner)))
    const client = fetchClient(handler)
    const response = await client.ask('/')
    expect(await response.text()).toBe('true') // the innermost
    expect(response.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual([
      '__Host-two',
      '__Host-id',
    ])
    expect([one.store.writes(), two.store.writes()]).toEqual([1, 1])
  })

  it('keeps the address that its option reads, from all that the handler gets', async () => {
    const { manager } = keep()
    const handler = sessions(
      manager,
      (_request: Request, _info: { hostname: string }) =>
        new Response(getSession(manager)?.setUserId('ada').id),
      { address: (request, info) => `${new URL(request.url).port}-${info.hostname}` },
    )
    await handler(new Request('http://localhost:8080/'), { hostname: '203.0.113.9' })
    expect((await manager.listSessions('ada'))[0]?.address).toBe('8080-203.0.113.9')
  })

  it('keeps no address where nobody says how to read it', async () => {
    const { client, manager } = wrap(signInOr(() => new Response()))
    await client.ask('/in', { headers: { 'x-forwarded-for': '203.0.113.9' } })
    expect((await manager.listSessions('ada'))[0]?.address).toBeUndefined()
  })
})
