import assert from 'node:assert/strict'
import type { Browser } from './browser.ts'
import type { HttpCase } from './http-case.ts'
import { path, type Step } from './script.ts'
import { DRIVER_MESSAGE, type StoreMethod } from './watched-store.ts'
import {
  assertDeletion,
  assertFailure,
  assertNewCookie,
  assertNoCookie,
  inWorld,
  viewOf,
  type World,
} from './world.ts'

async function signedIn(world: World): Promise<Browser> {
  const browser = world.browser()
  await browser.ask(path(['set', 'cart', 1], ['signIn', 'ada']))
  return browser
}

/** Ways to answer with a failure. */
const failing: readonly (readonly [name: string, steps: readonly Step[]])[] = [
  ['answers 500', [['status', 500]]],
  ['answers 503', [['status', 503]]],
  ['throws', [['throw']]],
  ['throws an error of status 502', [['throw', 502]]],
]

const dropped: readonly (readonly [name: string, steps: readonly Step[]])[] = [
  ['a value', [['set', 'cart', 2]]],
  ['a sign-in', [['signIn', 'ada']]],
  ['a renewal', [['renew']]],
  ['a change to another user', [['signIn', 'bob']]],
  ['a sign-out to nobody that is followed by a sign-in', [['signOut'], ['signIn', 'bob']]],
]

const drops: readonly HttpCase[] = failing.flatMap(([how, fail]) =>
  dropped.map(([what, steps]) => ({
    name: `a handler that ${how} drops ${what} whole, and sets no cookie`,
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        const before = browser.cookie
        const received = await browser.ask(path(...steps, ...fail))
        assert.ok(received.status >= 500)
        assertNoCookie(received)
        assert.equal(browser.cookie, before)
        const { userId, values } = viewOf(await browser.ask(path()))
        assert.deepEqual({ userId, values }, { userId: 'ada', values: { cart: 1 } })
        assert.equal((await world.manager.listSessions('bob')).length, 0)
      }),
  })),
)

const ends: readonly HttpCase[] = failing.flatMap(([how, fail]) =>
  (
    [
      ['destroy', [['destroy']]],
      ['sign-out to nobody', [['signOut']]],
      ['sign-out to nobody, but not a value set after it', [['signOut'], ['set', 'flash', 'bye']]],
    ] as readonly (readonly [string, readonly Step[]])[]
  ).map(([what, steps]) => ({
    name: `a handler that ${how} commits a ${what}, and deletes the cookie`,
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        const received = await browser.ask(path(...steps, ...fail))
        assert.ok(received.status >= 500)
        assertDeletion(received)
        assert.equal((await world.manager.listSessions('ada')).length, 0)
        assert.equal(world.store.calls.create, 1, 'no second record')
      }),
  })),
)

const thrown: readonly HttpCase[] = [
  {
    name: 'a handler that throws an error of status 404 commits: the status that leaves decides, whoever made it',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = world.browser()
        const received = await browser.ask(path(['set', 'cart', 1], ['throw', 404]))
        assert.equal(received.status, 404)
        assertNewCookie(received)
        assert.deepEqual(viewOf(await browser.ask(path())).values, { cart: 1 })
      }),
  },
  {
    name: 'a handler that throws still touches, if a touch is due',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        world.advance(61)
        world.store.forget()
        assert.equal((await browser.ask(path(['throw']))).status, 500)
        assert.equal(world.store.writes(), 1)
        assert.equal(world.store.calls.touch, 1)
      }),
  },
]

/** What a request stages, and the store's method that its commit calls. */
const commits: readonly (readonly [name: string, method: StoreMethod, steps: readonly Step[]])[] = [
  ['a value', 'save', [['set', 'cart', 2]]],
  ['a sign-in', 'save', [['signIn', 'ada']]],
  ['a renewal', 'save', [['renew']]],
  ['a destroy', 'delete', [['destroy']]],
  ['a change of user', 'delete', [['signIn', 'bob']]],
]

const onTheWayOut: readonly HttpCase[] = commits.flatMap(([what, method, steps]) => [
  {
    name: `a store that fails to commit ${what} is answered 503 instead of the body, with no cookie`,
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        world.store.failing.add(method)
        assertFailure(await browser.ask(path(...steps)), 503)
        world.store.failing.clear()
        const { userId, values } = viewOf(await browser.ask(path()))
        assert.deepEqual({ userId, values }, { userId: 'ada', values: { cart: 1 } })
      }),
  },
])

const silent: readonly HttpCase[] = [
  {
    name: 'a store that fails when the session is loaded is answered 503, and the handler never runs',
    run: (harness) => {
      let runs = 0
      return inWorld(
        harness,
        async (world) => {
          const browser = world.browser()
          await browser.ask(path())
          world.store.failing.add('get')
          const received = await browser.send(path())
          assert.equal(received.status, 503)
          assertNoCookie(received)
          assert.equal(runs, 1, 'only the request before')
        },
        {
          handle: ({ sessions: [session] }) => {
            runs++
            session?.set('seen', true)
            return { status: 200, body: '', headers: [] }
          },
        },
      )
    },
  },
  {
    name: "a failed commit tells nothing: not the handler's body, its headers about the body, nor what the driver said (R-087)",
    run: (harness) =>
      inWorld(harness, async (world) => {
        world.store.failing.add('create')
        const received = await world
          .browser()
          .ask(
            path(
              ['set', 'cart', 1],
              ['body', 'your cart is saved'],
              ['header', 'Content-Type', 'text/html'],
              ['header', 'Content-Disposition', 'attachment; filename=cart'],
              ['header', 'Content-Language', 'en'],
              ['header', 'Content-Location', '/cart/1'],
              ['header', 'Etag', '"1"'],
              ['header', 'Last-Modified', 'Thu, 01 Jan 2026 00:00:00 GMT'],
              ['header', 'Cache-Control', 'public, max-age=60'],
              ['header', 'Location', '/thanks'],
            ),
          )
        assertFailure(received, 503)
        assert.ok(!received.body.includes('saved'))
        assert.ok(!`${received.body}${JSON.stringify(received.headers)}`.includes(DRIVER_MESSAGE))
        assert.match(received.headers['content-type'] ?? '', /^text\/plain/)
        assert.equal(received.headers['cache-control'], 'no-store')
        assert.equal(Number(received.headers['content-length']), received.body.length)
        for (const name of [
          'content-disposition',
          'content-language',
          'content-location',
          'etag',
          'last-modified',
          'location',
        ]) {
          assert.equal(received.headers[name], undefined, name)
        }
      }),
  },
  {
    name: 'a failed commit keeps what other code set beside the body: its cookies and its security headers',
    run: (harness) =>
      inWorld(harness, async (world) => {
        world.store.failing.add('create')
        const received = await world
          .browser()
          .ask(
            path(
              ['set', 'cart', 1],
              ['header', 'Set-Cookie', 'theme=dark; Path=/'],
              ['header', 'X-Frame-Options', 'DENY'],
            ),
          )
        assert.equal(received.status, 503)
        assert.deepEqual(received.setCookies, ['theme=dark; Path=/'])
        assert.equal(received.headers['x-frame-options'], 'DENY')
      }),
  },
  {
    name: 'a change of user whose second half fails is answered 503: the old user is out, the new one not in',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        world.store.failing.add('create')
        assertFailure(await browser.ask(path(['signIn', 'bob'])), 503)
        world.store.failing.clear()
        assert.equal(viewOf(await browser.ask(path())).userId, undefined)
        assert.equal((await world.manager.listSessions('bob')).length, 0)
      }),
  },
  {
    name: 'a failed touch fails nothing, and is reported',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        world.advance(61)
        world.store.failing.add('touch')
        const received = await browser.ask(path())
        assert.equal(received.status, 200)
        assert.equal(viewOf(received).userId, 'ada')
        assert.ok(world.events.some((event) => event.type === 'store-failed' && event.operation === 'touch'))
      }),
  },
  {
    name: 'a server goes on after a failed commit, on the same connection',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = world.browser()
        world.store.failing.add('create')
        for (let round = 0; round < 5; round++) {
          assertFailure(await browser.ask(path(['set', 'cart', round], ['stream', ['a', 'b']])), 503)
          assert.equal((await browser.ask(path())).status, 200)
        }
      }),
  },
]

/** What a failure leaves behind, on the way in, in the handler and on the way out: rules 7 and 17, last row. */
export const failureCases: readonly HttpCase[] = [...drops, ...ends, ...thrown, ...onTheWayOut, ...silent]
