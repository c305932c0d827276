import assert from 'node:assert/strict'
import { SessionManager } from 'coatcheck'
import type { Browser } from './browser.ts'
import type { HttpCase } from './http-case.ts'
import type { Received } from './received.ts'
import { path } from './script.ts'
import { assertNoCookie, inWorld, viewOf, type World } from './world.ts'

async function signedIn(world: World, user = 'ada'): Promise<Browser> {
  const browser = world.browser()
  await browser.ask(path(['signIn', user]))
  return browser
}

/** Every order of a short list. */
function orders<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((item, at) => orders(list.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}

/** What happens beside a sign-in, one request each. */
const beside = [path(), path(['set', 'a', 1]), path(['update', 'count'])]

/**
 * Signs in while other requests of the same browser run, all loaded before the sign-in is committed and all
 * answered after it.
 */
async function signInBeside(world: World, browser: Browser, round: number): Promise<Received[]> {
  const name = `beside-${round}`
  const others = beside.map(async (url, at) => {
    const steps = JSON.parse(new URL(url, 'http://localhost').searchParams.get('steps') ?? '[]') as never[]
    const reached = world.pauses.reached(`${name}-${at}`)
    const answer = browser.send(path(['pause', `${name}-${at}`], ...steps))
    await reached
    return { answer }
  })
  const waiting = await Promise.all(others)
  const signIn = await browser.send(path(['signIn', 'ada']))
  for (const at of beside.keys()) world.pauses.resume(`${name}-${at}`)
  return [signIn, ...(await Promise.all(waiting.map(({ answer }) => answer)))]
}

const arrivals: readonly HttpCase[] = (
  [
    ['of a visitor with a session', ['set', 'cart', 1]],
    ['again, of a user who is signed in', ['signIn', 'ada']],
  ] as const
).map(([who, before]) => ({
  name: `requests beside a sign-in ${who} leave the browser signed in, in whatever order the answers arrive`,
  run: (harness) =>
    inWorld(harness, async (world) => {
      for (const [round, order] of orders([0, 1, 2, 3]).entries()) {
        const browser = world.browser()
        await browser.ask(path(before))
        const answers = await signInBeside(world, browser, round)
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200, 409, 409],
        )
        for (const at of order) browser.receive(answers[at] as Received) // every index is an answer's
        assert.equal(viewOf(await browser.ask(path())).userId, 'ada', `arriving as ${order.join(', ')}`)
      }
    }),
}))

const survival: readonly HttpCase[] = [
  {
    name: '20 parallel requests that each set another key all survive, 10 times',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`)
        for (let round = 0; round < 10; round++) {
          const browser = await signedIn(world)
          const answers = await Promise.all(keys.map((key) => browser.ask(path(['set', key, round]))))
          for (const received of answers) assert.equal(received.status, 200)
          const { values } = viewOf(await browser.ask(path()))
          assert.deepEqual(values, Object.fromEntries(keys.map((key) => [key, round])))
        }
      }),
  },
  {
    name: '40 parallel updates of one counter lose none',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        const answers = await Promise.all(
          Array.from({ length: 40 }, () => browser.ask(path(['update', 'count']))),
        )
        for (const received of answers) assert.equal(received.status, 200)
        assert.deepEqual(viewOf(await browser.ask(path())).values, { count: 40 })
      }),
  },
  {
    name: 'an update survives a handler that throws after it',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const browser = await signedIn(world)
        assert.equal((await browser.ask(path(['update', 'count'], ['set', 'a', 1], ['throw']))).status, 500)
        assert.deepEqual(viewOf(await browser.ask(path())).values, { count: 1 })
      }),
  },
  {
    name: 'a slow request that finishes after the sign-out brings no session back, 200 times (R-010)',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const rounds = Array.from({ length: 200 }, (_, index) => index)
        await Promise.all(
          rounds.map(async (round) => {
            const browser = await signedIn(world, `user-${round}`)
            const reached = world.pauses.reached(`slow-${round}`)
            const slow = browser.send(path(['pause', `slow-${round}`], ['set', 'cart', 1]))
            await reached
            const thief = browser.copy()
            await browser.ask(path(['destroy']))
            world.pauses.resume(`slow-${round}`)
            const received = await slow
            assert.equal(received.status, 409)
            assertNoCookie(received)
            assert.equal(viewOf(await thief.ask(path())).userId, undefined)
            assert.equal((await world.manager.listSessions(`user-${round}`)).length, 0)
          }),
        )
      }),
  },
  {
    name: 'a login that is clicked twice ends signed in, in whatever order the answers arrive',
    run: (harness) =>
      inWorld(harness, async (world) => {
        for (const order of orders([0, 1])) {
          for (const before of [[], [['set', 'cart', 1] as const]]) {
            const browser = world.browser()
            await browser.ask(path(...before))
            const answers = await Promise.all([0, 1].map(() => browser.send(path(['signIn', 'ada']))))
            for (const at of order) browser.receive(answers[at] as Received) // every index is an answer's
            assert.equal(viewOf(await browser.ask(path())).userId, 'ada')
          }
        }
      }),
  },
  {
    name: '500 users whose requests interleave never see each other',
    run: (harness) =>
      inWorld(harness, async (world) => {
        const users = Array.from({ length: 500 }, (_, index) => `user-${index}`)
        const browser = world.browser()
        const cookies = new Map<string, string>()
        await Promise.all(
          users.map(async (user) => {
            const copy = browser.copy()
            copy.receive(await browser.send(path(['signIn', user], ['set', 'mine', user]), { cookie: '' }))
            cookies.set(user, copy.cookie)
          }),
        )
        await Promise.all(
          users.flatMap((user) =>
            [0, 1, 2].map(async (round) => {
              const sent = { cookie: cookies.get(user) ?? '' }
              const { userId, values } = viewOf(await browser.send(path(['set', `r${round}`, user]), sent))
              assert.equal(userId, user)
              assert.equal(values.mine, user)
            }),
          ),
        )
      }),
  },
]

const mounts: readonly HttpCase[] = [
  {
    name: 'a manager that is mounted twice gives one session, one write and one cookie',
    run: (harness) =>
      inWorld(
        harness,
        async ({ browser, store }) => {
          const visitor = browser()
          const received = await visitor.ask(
            path(['set', 'a', 1], ['session', 1], ['set', 'b', 2], ['signIn', 'ada']),
          )
          assert.equal(received.setCookies.length, 1)
          assert.equal(store.writes(), 1)
          const { userId, values } = viewOf(await visitor.ask(path()))
          assert.deepEqual({ userId, values }, { userId: 'ada', values: { a: 1, b: 2 } })
          assert.equal((await visitor.ask(path(['destroy']))).setCookies.length, 1)
        },
        { mounts: (manager) => [{ manager }, { manager }] },
      ),
  },
  {
    name: 'two managers with cookies of their own live side by side: both commit before the head, both cookies leave',
    run: (harness) =>
      inWorld(
        harness,
        async ({ browser, store }) => {
          const visitor = browser()
          const received = await visitor.ask(path(['set', 'a', 1], ['session', 1], ['set', 'b', 2]))
          assert.deepEqual(received.setCookies.map((line) => line.split('=')[0]).sort(), [
            '__Host-admin',
            '__Host-id',
          ])
          assert.deepEqual(viewOf(await visitor.ask(path())).values, { a: 1 })
          assert.deepEqual(viewOf(await visitor.ask(path(['session', 1]))).values, { b: 2 })
          assert.equal(store.writes(), 2)
          assert.equal((await visitor.ask(path(['session', 1], ['destroy']))).setCookies.length, 1)
          assert.deepEqual(viewOf(await visitor.ask(path())).values, { a: 1 })
          assert.deepEqual(viewOf(await visitor.ask(path(['session', 1]))).values, {})
        },
        sideBySide,
      ),
  },
  {
    name: 'two managers: the cookie of one that committed leaves even if the other fails',
    run: (harness) =>
      inWorld(
        harness,
        async ({ browser, store }) => {
          const visitor = browser()
          await visitor.ask(path(['set', 'a', 1]))
          store.failing.add('create')
          const received = await visitor.ask(path(['renew'], ['session', 1], ['set', 'b', 2]))
          assert.equal(received.status, 503)
          store.failing.clear()
          assert.deepEqual(viewOf(await visitor.ask(path())).values, { a: 1 }, 'still with its session')
        },
        sideBySide,
      ),
  },
]

const sideBySide: Parameters<typeof inWorld>[2] = {
  mounts: (manager, { store, clock }) => {
    const admin = new SessionManager<Record<string, unknown>>({
      store,
      clock,
      authKey: 'the key of the other manager, 32 bytes or more',
      cookie: { name: '__Host-admin' },
      cleanupInterval: 0,
    })
    return [{ manager }, { manager: admin, property: 'admin' }]
  },
}

/** Requests that run beside each other, and managers that do: rules 1, 2, 15 and 17. */
export const parallelCases: readonly HttpCase[] = [...arrivals, ...survival, ...mounts]
