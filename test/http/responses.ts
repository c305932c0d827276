import assert from 'node:assert/strict'
import { parseSetCookie } from 'set-cookie-parser'
import type { HttpCase } from './http-case.ts'
import { path } from './script.ts'
import { assertDeletion, assertNewCookie, assertNoCookie, inWorld, theCookie, viewOf } from './world.ts'

function varies(header: string | undefined): boolean {
  return (header ?? '')
    .toLowerCase()
    .split(/\s*,\s*/)
    .includes('cookie')
}

const headers: readonly HttpCase[] = [
  {
    name: 'every response varies by Cookie, and only one that sets the cookie is no-store',
    run: (harness) =>
      inWorld(harness, async ({ browser, store }) => {
        const visitor = browser()
        const read = await visitor.ask(path())
        assert.ok(varies(read.headers.vary))
        assert.equal(read.headers['cache-control'], undefined)
        const signIn = await visitor.ask(
          path(['signIn', 'ada'], ['header', 'Cache-Control', 'public, max-age=60']),
        )
        assert.ok(varies(signIn.headers.vary))
        assert.equal(signIn.headers['cache-control'], 'no-store')
        const save = await visitor.ask(
          path(['set', 'cart', 1], ['header', 'Cache-Control', 'public, max-age=60']),
        )
        assert.ok(varies(save.headers.vary))
        assert.equal(save.headers['cache-control'], 'public, max-age=60')
        assert.ok(varies((await visitor.ask(path(['throw']))).headers.vary))
        store.failing.add('get')
        assert.ok(varies((await visitor.ask(path())).headers.vary))
      }),
  },
  {
    name: "a handler's own Vary is added to",
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        for (const steps of [
          path(['header', 'Vary', 'Accept']),
          path(['header', 'Vary', 'Accept'], ['signIn', 'ada']),
        ]) {
          const { vary } = (await browser().ask(steps)).headers
          assert.ok(varies(vary) && /accept/i.test(vary ?? ''), vary)
        }
      }),
  },
  {
    name: 'the cookie has exactly the attributes that were configured (R-213)',
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        const [cookie] = parseSetCookie(theCookie(await browser().ask(path(['signIn', 'ada']))))
        assert.deepEqual(
          { ...cookie, value: undefined },
          { name: '__Host-id', value: undefined, path: '/', httpOnly: true, secure: true, sameSite: 'Lax' },
        )
      }),
  },
  {
    name: 'a persistent sign-in gives a cookie that lives to the absolute end, a deletion repeats its attributes (R-214)',
    run: (harness) =>
      inWorld(
        harness,
        async ({ browser }) => {
          const visitor = browser()
          const steps = path(['signIn', 'ada', { persistent: true, absoluteTimeout: 7200 }])
          const [given] = parseSetCookie(theCookie(await visitor.ask(steps)))
          assert.equal(given?.maxAge, 7200)
          const [deleted] = parseSetCookie(theCookie(await visitor.ask(path(['destroy']))))
          assert.equal(deleted?.maxAge, 0)
          for (const attribute of ['name', 'path', 'domain', 'secure', 'partitioned'] as const) {
            assert.equal(deleted?.[attribute], given?.[attribute], attribute)
          }
        },
        {
          manager: {
            cookie: {
              name: '__Secure-x',
              domain: 'example.com',
              path: '/app',
              sameSite: 'none',
              partitioned: true,
            },
          },
        },
      ),
  },
  {
    name: 'a response has the cookies of other code as they were, and ours once',
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        const others = ['theme=dark; Path=/; Max-Age=60', '__Host-idx=1; Path=/; Secure', 'a=__Host-id=2']
        const steps = others.map((line) => ['header', 'Set-Cookie', line] as const)
        const visitor = browser()
        const plain = await visitor.send(path(...steps))
        assert.deepEqual(plain.setCookies, others)
        const { setCookies } = await visitor.send(
          path(...steps, ['signIn', 'ada'], ['set', 'a', 1], ['renew']),
        )
        assert.deepEqual(setCookies.slice(0, 3), others)
        assert.equal(setCookies.length, 4)
        assert.match(setCookies[3] ?? '', /^__Host-id=/)
      }),
  },
]

const bodies: readonly HttpCase[] = [
  {
    name: 'HEAD, 204 and 304 commit before they answer, without a body',
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        const visitor = browser()
        const head = await visitor.ask(path(['set', 'head', 1]), { method: 'HEAD' })
        assert.equal(head.status, 200)
        assertNewCookie(head)
        assert.equal(head.body, '')
        for (const status of [204, 304]) {
          const received = await visitor.ask(
            path(['set', String(status), 1], ['status', status], ['body', '']),
          )
          assert.equal(received.status, status)
          assert.equal(received.body, '')
        }
        assert.deepEqual(viewOf(await visitor.ask(path())).values, { head: 1, 204: 1, 304: 1 })
      }),
  },
  {
    name: 'a redirect carries the cookie',
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        const visitor = browser()
        const received = await visitor.ask(
          path(['signIn', 'ada'], ['status', 303], ['header', 'Location', '/'], ['body', '']),
        )
        assert.equal(received.status, 303)
        assert.equal(received.headers.location, '/')
        assertNewCookie(received)
        assert.equal(viewOf(await visitor.ask(path())).userId, 'ada')
      }),
  },
  {
    name: 'the answer is not there before what it says is stored (rule 7)',
    run: (harness) =>
      inWorld(harness, async ({ browser, manager }) => {
        for (let round = 0; round < 20; round++) {
          await browser().ask(path(['signIn', `user-${round}`]))
          assert.equal((await manager.listSessions(`user-${round}`)).length, 1)
        }
      }),
  },
  {
    name: 'a large body arrives whole, in its order, with a change and without',
    run: (harness) => {
      const chunks = Array.from({ length: 64 }, (_, index) => String(index % 10).repeat(16_384))
      return inWorld(
        harness,
        async ({ browser }) => {
          for (const url of ['/read', '/write']) {
            const received = await browser().ask(url)
            assert.equal(received.status, 200)
            assert.ok(received.body === chunks.join(''), `${received.body.length} characters`)
          }
        },
        {
          handle: ({ url, sessions: [session] }) => {
            if (url === '/write') session?.set('n', 1)
            const body = (async function* () {
              yield* chunks
            })()
            return { status: 200, headers: [], body }
          },
        },
      )
    },
  },
  {
    name: 'a change after the head has gone is a StateError in the handler, and disturbs nothing',
    run: (harness) =>
      inWorld(harness, async ({ browser, pauses, store }) => {
        const visitor = browser()
        await visitor.ask(path(['signIn', 'ada']))
        store.forget()
        const onHead = () => pauses.resume('head')
        for (const steps of [
          path(['stream', ['one ', 'two ']]),
          path(['set', 'a', 1], ['stream', ['one ', 'two ']]),
        ]) {
          const received = await visitor.ask(steps, { onHead })
          assert.equal(received.status, 200)
          assert.equal(received.body, 'one two ERR_SESSION_STATE')
        }
        assert.deepEqual(viewOf(await visitor.ask(path())).values, { a: 1 })
        assert.equal(store.writes(), 1)
      }),
  },
]

const economy: readonly HttpCase[] = [
  {
    name: '1,000 visitors who are given nothing cost no record, no store call and no cookie (R-019)',
    run: (harness) =>
      inWorld(harness, async ({ browser, store }) => {
        const visitor = browser()
        for (let batch = 0; batch < 20; batch++) {
          const answers = await Promise.all(Array.from({ length: 50 }, () => visitor.ask(path())))
          for (const received of answers) assertNoCookie(received)
        }
        assert.deepEqual(Object.values(store.calls).filter(Boolean), [])
      }),
  },
  {
    name: 'a value that is set and deleted again, and a destroyed visit, leave nothing behind',
    run: (harness) =>
      inWorld(harness, async ({ browser, store }) => {
        assertNoCookie(await browser().ask(path(['set', 'a', 1], ['clear'])))
        assertNoCookie(await browser().ask(path(['set', 'a', 1], ['destroy'])))
        assertNoCookie(await browser().ask(path(['signIn', 'ada'], ['signOut'])))
        assert.equal(store.writes(), 0)
      }),
  },
  {
    name: '10 reads write at most one touch, after its interval, and never a cookie',
    run: (harness) =>
      inWorld(harness, async ({ browser, store, advance }) => {
        const visitor = browser()
        await visitor.ask(path(['signIn', 'ada']))
        store.forget()
        for (let read = 0; read < 10; read++) assertNoCookie(await visitor.ask(path()))
        assert.equal(store.writes(), 0, 'none within the touch interval')
        advance(61)
        for (let read = 0; read < 10; read++) assertNoCookie(await visitor.ask(path()))
        assert.equal(store.writes(), 1)
        assert.equal(store.calls.touch, 1)
      }),
  },
  {
    name: 'whatever one request changes is one write',
    run: (harness) =>
      inWorld(harness, async ({ browser, store }) => {
        const visitor = browser()
        await visitor.ask(path(['set', 'a', 1], ['set', 'b', 2], ['signIn', 'ada']))
        assert.equal(store.writes(), 1)
        await visitor.ask(path(['delete', 'a'], ['set', 'c', 3], ['renew'], ['signIn', 'ada']))
        assert.equal(store.writes(), 2)
        assert.deepEqual(viewOf(await visitor.ask(path())).values, { b: 2, c: 3 })
      }),
  },
  {
    name: 'forged, malformed and foreign cookies never reach the store (rule 10)',
    run: (harness) =>
      inWorld(harness, async ({ browser, store }) => {
        const visitor = browser()
        await visitor.ask(path(['signIn', 'ada']))
        const token = visitor.jar.get('__Host-id') ?? ''
        store.forget()
        const forged = Array.from({ length: token.length }, (_, at) => {
          const other = token[at] === 'A' ? 'B' : 'A'
          return `__Host-id=${token.slice(0, at)}${other}${token.slice(at + 1)}`
        })
        const odd = [
          '__Host-id=',
          '__Host-id',
          '=__Host-id',
          `__host-id=${token}`,
          `x=__Host-id=${token}`,
          `__Host-id=${token}=`,
        ]
        for (const cookie of [...forged, ...odd, '__Host-id=a; '.repeat(200)]) {
          const received = await visitor.send(path(), { cookie })
          assert.equal(received.status, 200)
          assert.equal(viewOf(received).userId, undefined)
          assertNoCookie(received)
        }
        assert.equal(store.calls.get, 0)
      }),
  },
]

const endings: readonly HttpCase[] = [
  {
    name: 'signing in replaces the secret and keeps session and values; the old cookie is dead at once, and so on re-authentication (R-007)',
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        const visitor = browser()
        const first = viewOf(await visitor.ask(path(['set', 'cart', 1])))
        for (let round = 0; round < 2; round++) {
          const thief = visitor.copy()
          assertNewCookie(await visitor.ask(path(['signIn', 'ada'])))
          assert.notEqual(visitor.cookie, thief.cookie)
          assert.deepEqual(viewOf(await visitor.ask(path())), { ...first, userId: 'ada', isNew: false })
          assert.equal(viewOf(await thief.ask(path())).userId, undefined)
          assert.deepEqual(viewOf(await thief.ask(path())).values, {})
        }
      }),
  },
  {
    name: "one user's values never reach another: a change of user begins an empty session",
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        const visitor = browser()
        const ada = viewOf(await visitor.ask(path(['signIn', 'ada'], ['set', 'secret', 's'])))
        const old = visitor.copy()
        assertNewCookie(await visitor.ask(path(['signIn', 'bob'], ['set', 'own', 1])))
        const bob = viewOf(await visitor.ask(path()))
        assert.deepEqual(bob.values, { own: 1 })
        assert.notEqual(bob.id, ada.id)
        assert.equal(viewOf(await old.ask(path())).userId, undefined)
      }),
  },
  {
    name: 'a destroyed session stays destroyed, whoever replays its cookie (R-010, R-171)',
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        const visitor = browser()
        await visitor.ask(path(['signIn', 'ada'], ['set', 'cart', 1]))
        const thief = visitor.copy()
        assertDeletion(await visitor.ask(path(['destroy'])))
        for (let replay = 0; replay < 3; replay++) {
          const received = await thief.send(path())
          assert.equal(viewOf(received).userId, undefined)
          assert.deepEqual(viewOf(received).values, {})
        }
      }),
  },
  {
    name: 'signing out twice succeeds twice (R-013)',
    run: (harness) =>
      inWorld(harness, async ({ browser }) => {
        const visitor = browser()
        await visitor.ask(path(['signIn', 'ada']))
        const again = visitor.copy()
        for (const tab of [visitor, again]) {
          const received = await tab.ask(path(['destroy']))
          assert.equal(received.status, 200)
          assertDeletion(received)
        }
        assertNoCookie(await visitor.ask(path(['destroy'])))
      }),
  },
  {
    name: 'a revoked session is over with the next request; the others of its user go on (R-012, R-049)',
    run: (harness) =>
      inWorld(harness, async ({ browser, manager }) => {
        const [phone, laptop] = [browser(), browser()]
        await phone.ask(path(['signIn', 'ada']))
        const { id } = viewOf(await laptop.ask(path(['signIn', 'ada'])))
        assert.equal(await manager.revokeAll('ada', { except: id }), 1)
        assert.equal(viewOf(await phone.ask(path())).userId, undefined)
        assert.equal(viewOf(await laptop.ask(path())).userId, 'ada')
      }),
  },
  {
    name: 'the record keeps the address and the user agent of the sign-in',
    run: (harness) =>
      inWorld(harness, async ({ browser, manager }) => {
        await browser().ask(path(['signIn', 'ada']), { headers: { 'user-agent': 'Netscape/4.0' } })
        const [info] = await manager.listSessions('ada')
        assert.equal(info?.userAgent, 'Netscape/4.0')
        assert.match(info?.address ?? '', /127\.0\.0\.1$/)
      }),
  },
]

/** What leaves and what is written in the ordinary course of things: rules 3 to 7, 10 and 16. */
export const responseCases: readonly HttpCase[] = [...headers, ...bodies, ...economy, ...endings]
