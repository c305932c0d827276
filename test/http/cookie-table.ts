import assert from 'node:assert/strict'
import type { Browser } from './browser.ts'
import type { HttpCase } from './http-case.ts'
import type { Received } from './received.ts'
import { path, type Step } from './script.ts'
import {
  assertDeletion,
  assertFailure,
  assertNewCookie,
  assertNoCookie,
  inWorld,
  viewOf,
  type World,
} from './world.ts'

/** What becomes of the record while the request is in its handler. */
type Fate = 'live' | 'gone' | 'superseded'

/** A browser that is signed in as ada, with `cart: 1`. */
async function signedIn(world: World): Promise<Browser> {
  const browser = world.browser()
  await browser.ask(path(['set', 'cart', 1], ['signIn', 'ada']))
  assert.equal(browser.jar.size, 1)
  return browser
}

/**
 * Sends a request that loads its session and waits; ends or renews the session meanwhile, as another tab
 * would; lets the request go on. `other` has the other tab's cookies afterwards.
 */
async function whileItRuns(
  world: World,
  fate: Fate,
  steps: readonly Step[],
): Promise<{ received: Received; browser: Browser; other: Browser }> {
  const browser = await signedIn(world)
  const other = browser.copy()
  const reached = world.pauses.reached('meanwhile')
  const answer = browser.send(path(['pause', 'meanwhile'], ...steps))
  await reached
  if (fate === 'gone') await other.ask(path(['destroy']))
  if (fate === 'superseded') await other.ask(path(['renew']))
  world.pauses.resume('meanwhile')
  return { received: await answer, browser, other }
}

const reads: readonly HttpCase[] = (['live', 'gone', 'superseded'] as const).map((fate) => ({
  name: `a read whose session is ${fate} meanwhile answers as handled and sets no cookie`,
  run: (harness) =>
    inWorld(harness, async (world) => {
      const { received } = await whileItRuns(world, fate, [])
      assert.equal(received.status, 200)
      assert.equal(viewOf(received).userId, 'ada')
      assertNoCookie(received)
    }),
}))

const writes: readonly (readonly [name: string, step: Step])[] = [
  ['set', ['set', 'late', 1]],
  ['delete', ['delete', 'cart']],
  ['clear', ['clear']],
  ['update', ['update', 'count']],
  ['renew', ['renew']],
]

const lostWrites: readonly HttpCase[] = writes.flatMap(([name, step]) =>
  (['gone', 'superseded'] as const).map((fate) => ({
    name: `${name} on a session that is ${fate} meanwhile is answered 409, and sets and deletes no cookie`,
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { received, other } = await whileItRuns(world, fate, [step])
        assertFailure(received, 409)
        assert.ok(world.events.some((event) => event.type === 'lost' && event.reason === fate))
        if (fate === 'superseded')
          assert.deepEqual(viewOf(await other.ask(path())).values, { cart: 1 }, 'nothing was written')
      }),
  })),
)

const tooLarge: readonly HttpCase[] = (
  [
    ['a set', [['set', 'big', 'x'.repeat(1200)]]],
    [
      'a sign-in',
      [
        ['set', 'big', 'x'.repeat(1200)],
        ['signIn', 'ada'],
      ],
    ],
    [
      'a change of user',
      [
        ['signIn', 'bob'],
        ['set', 'big', 'x'.repeat(1200)],
      ],
    ],
  ] as readonly (readonly [string, readonly Step[]])[]
).map(([name, steps]) => ({
  name: `${name} that would make the values too large is answered 500 and writes nothing`,
  run: (harness) =>
    inWorld(
      harness,
      async (world) => {
        const browser = await signedIn(world)
        assertFailure(await browser.ask(path(...steps)), 500)
        const { userId, values } = viewOf(await browser.ask(path()))
        assert.deepEqual({ userId, values }, { userId: 'ada', values: { cart: 1 } })
      },
      { manager: { maxValuesBytes: 1024 } },
    ),
}))

const signIns: readonly HttpCase[] = (['gone', 'superseded'] as const).map((fate) => ({
  name: `a sign-in whose session is ${fate} meanwhile begins a new one with what it set: a double-clicked login ends signed in`,
  run: (harness) =>
    inWorld(harness, async (world) => {
      const { received, browser } = await whileItRuns(world, fate, [
        ['set', 'from', 'login'],
        ['signIn', 'ada'],
      ])
      assert.equal(received.status, 200)
      assertNewCookie(received)
      browser.receive(received)
      const { userId, values } = viewOf(await browser.ask(path()))
      assert.deepEqual({ userId, values }, { userId: 'ada', values: { from: 'login' } })
    }),
}))

const ends: readonly HttpCase[] = (
  [
    ['destroy', ['destroy']],
    ['signing out to nobody', ['signOut']],
  ] as const
).flatMap(([name, step]) =>
  (['live', 'gone', 'superseded'] as const).map((fate) => ({
    name: `${name} of a session that is ${fate} meanwhile succeeds and deletes the cookie (R-010)`,
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { received, browser, other } = await whileItRuns(world, fate, [step])
        assert.equal(received.status, 200)
        assertDeletion(received)
        browser.receive(received)
        assert.equal(browser.jar.size, 0)
        assert.equal(viewOf(await other.ask(path())).userId, undefined, 'its newer secret is dead as well')
        assert.equal((await world.manager.listSessions('ada')).length, 0)
      }),
  })),
)

const signOutsThatGoOn: readonly HttpCase[] = (['live', 'gone', 'superseded'] as const).map((fate) => ({
  name: `signing out of a session that is ${fate} meanwhile, with a value set after it, begins an anonymous one`,
  run: (harness) =>
    inWorld(harness, async (world) => {
      const { received, browser } = await whileItRuns(world, fate, [['signOut'], ['set', 'flash', 'bye']])
      assert.equal(received.status, 200)
      assertNewCookie(received)
      browser.receive(received)
      const { userId, values } = viewOf(await browser.ask(path()))
      assert.deepEqual({ userId, values }, { userId: undefined, values: { flash: 'bye' } })
      assert.equal((await world.manager.listSessions('ada')).length, 0)
    }),
}))

/** A browser whose token was superseded some seconds ago; `other` holds the newer one. */
async function superseded(world: World, secondsAgo: number): Promise<{ browser: Browser; other: Browser }> {
  const browser = await signedIn(world)
  const other = browser.copy()
  await other.ask(path(['renew']))
  world.advance(secondsAgo)
  return { browser, other }
}

const lateTokens: readonly HttpCase[] = [
  {
    name: 'a token superseded 30 s ago reads as anonymous and loses no cookie (R-108)',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { browser } = await superseded(world, 30)
        const received = await browser.ask(path())
        assert.deepEqual(viewOf(received).values, {})
        assert.equal(viewOf(received).userId, undefined)
        assertNoCookie(received)
      }),
  },
  {
    name: 'a write with a token superseded 30 s ago is answered 409 and loses no cookie',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { browser, other } = await superseded(world, 30)
        assertFailure(await browser.ask(path(['set', 'late', 1])), 409)
        assert.deepEqual(viewOf(await other.ask(path())).values, { cart: 1 })
      }),
  },
  {
    name: 'a sign-in with a token superseded 30 s ago begins a new session',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { browser } = await superseded(world, 30)
        assertNewCookie(await browser.ask(path(['signIn', 'ada'])))
        assert.equal(viewOf(await browser.ask(path())).userId, 'ada')
      }),
  },
  {
    name: 'destroy with a token superseded 30 s ago ends the session that it names and deletes the cookie',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { browser, other } = await superseded(world, 30)
        assertDeletion(await browser.ask(path(['destroy'])))
        assert.equal(viewOf(await other.ask(path())).userId, undefined)
      }),
  },
  {
    name: 'a token superseded longer than 30 s ago is unknown: what it writes begins a new session',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { browser, other } = await superseded(world, 31)
        assertNoCookie(await browser.ask(path()))
        assertNewCookie(await browser.ask(path(['set', 'cart', 2])))
        assert.deepEqual(viewOf(await browser.ask(path())).values, { cart: 2 })
        assert.deepEqual(viewOf(await other.ask(path())).values, { cart: 1 })
      }),
  },
  {
    name: 'destroy with a token superseded longer than 30 s ago deletes the cookie and ends nothing',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { browser, other } = await superseded(world, 31)
        assertDeletion(await browser.ask(path(['destroy'])))
        assert.equal(viewOf(await other.ask(path())).userId, 'ada')
      }),
  },
]

/** Ways to come with a cookie that opens nothing. */
const worthless: readonly (readonly [
  name: string,
  spoil: (world: World, browser: Browser) => Promise<void>,
])[] = [
  [
    'a forged token',
    async (_world, { jar }) => {
      const token = jar.get('__Host-id') ?? ''
      jar.set('__Host-id', `${token.slice(0, -8)}AAAAAAAA`)
    },
  ],
  [
    'a token of a session that has ended',
    async (_world, browser) => void (await browser.copy().ask(path(['destroy']))),
  ],
  ['a token of a session that has idled out', async (world) => world.advance(86_400)],
  ['a token past its absolute end', async (world) => world.advance(2_592_000)],
  ['text that is no token', async (_world, { jar }) => void jar.set('__Host-id', '%00"><script>')],
]

const worthlessTokens: readonly HttpCase[] = worthless.flatMap(([name, spoil]) => [
  {
    name: `${name} reads as anonymous, sets no cookie and deletes none (R-162)`,
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        await spoil(world, browser)
        const received = await browser.ask(path())
        assert.equal(received.status, 200)
        assert.equal(viewOf(received).userId, undefined)
        assertNoCookie(received)
      }),
  },
  {
    name: `${name} is never adopted: what it writes goes to a new session under a new secret`,
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        await spoil(world, browser)
        const old = browser.cookie
        assertNewCookie(await browser.ask(path(['set', 'cart', 3])))
        assert.notEqual(browser.cookie, old)
        assert.deepEqual(viewOf(await browser.ask(path())).values, { cart: 3 })
      }),
  },
  {
    name: `destroy with ${name} deletes the cookie`,
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        await spoil(world, browser)
        assertDeletion(await browser.ask(path(['destroy'])))
      }),
  },
])

/** A Cookie header with the tokens of two live sessions, ada's and bob's, and browsers that hold one each. */
async function tossed(world: World): Promise<{ cookie: string; ada: Browser; bob: Browser }> {
  const ada = await signedIn(world)
  const bob = world.browser()
  await bob.ask(path(['signIn', 'bob']))
  return { cookie: `${ada.cookie}; ${bob.cookie}`, ada, bob }
}

const ambiguous: readonly HttpCase[] = [
  {
    name: 'two tokens of two live sessions read as anonymous, are reported, and set no cookie (R-162, R-164, R-170)',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { cookie, ada } = await tossed(world)
        const received = await ada.send(path(), { cookie })
        assert.equal(viewOf(received).userId, undefined)
        assertNoCookie(received)
        assert.ok(world.events.some((event) => event.type === 'rejected' && event.reason === 'ambiguous'))
      }),
  },
  {
    name: 'two tokens of two live sessions: a write is answered 409, a sign-in begins a new session',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { cookie, ada } = await tossed(world)
        assertFailure(await ada.send(path(['set', 'x', 1]), { cookie }), 409)
        assertNewCookie(await ada.send(path(['signIn', 'cleo']), { cookie }))
      }),
  },
  {
    name: 'two tokens of two live sessions: destroy deletes the cookie and ends neither',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const { cookie, ada, bob } = await tossed(world)
        assertDeletion(await ada.send(path(['destroy']), { cookie }))
        assert.equal(viewOf(await ada.ask(path())).userId, 'ada')
        assert.equal(viewOf(await bob.ask(path())).userId, 'bob')
      }),
  },
  {
    name: 'a worthless cookie tossed before or after the real one changes nothing (R-162)',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        const junk = `__Host-id=${'A'.repeat(150)}`
        for (const cookie of [`${junk}; ${browser.cookie}`, `${browser.cookie}; ${junk}`]) {
          assert.equal(viewOf(await browser.send(path(), { cookie })).userId, 'ada')
        }
      }),
  },
  {
    name: 'the same token sent twice, in one Cookie line or in two, is one token (R-162)',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        for (const cookie of [`${browser.cookie}; ${browser.cookie}`, [browser.cookie, browser.cookie]]) {
          assert.equal(viewOf(await browser.send(path(), { cookie })).userId, 'ada')
        }
      }),
  },
]

/** What the cookie of a response does: design rule 17, row by row. */
export const cookieTable: readonly HttpCase[] = [
  ...reads,
  ...lostWrites,
  ...tooLarge,
  ...signIns,
  ...ends,
  ...signOutsThatGoOn,
  ...lateTokens,
  ...worthlessTokens,
  ...ambiguous,
]
