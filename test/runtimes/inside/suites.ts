import assert from 'node:assert/strict'
import type { Store } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { type PostgresDatabase, PostgresStore } from 'coatcheck/stores/postgres'
import { type RedisClient, RedisStore } from 'coatcheck/stores/redis'
import { type StoreCase, storeContract, storeRaces } from 'coatcheck/testing'
import { httpCases } from '../../http/cases.ts'
import type { HttpHarness } from '../../http/http-case.ts'
import { path } from '../../http/script.ts'
import { assertDeletion, assertNewCookie, inWorld, viewOf } from '../../http/world.ts'
import type { Suite } from './suite.ts'

/** The suites, in words that the tests outside and `docs/runtimes.md` share. */
export const SUITES = {
  node: 'the HTTP cases over coatcheck/adapters/node',
  fetch: 'the HTTP cases over coatcheck/adapters/fetch',
  hono: 'the HTTP cases over coatcheck/adapters/hono',
  memory: 'the contract on MemoryStore',
  postgres: 'the contract on PostgresStore',
  postgresAlone: 'the contract on PostgresStore, without its races',
  signIn: 'a sign-in, a change and a sign-out over PostgreSQL',
  ioredisAlone: 'the contract on RedisStore over ioredis, without its races',
  nodeRedisAlone: 'the contract on RedisStore over node-redis, without its races',
  signInRedis: 'a sign-in, a change and a sign-out over Redis',
} as const

const withoutRaces: readonly StoreCase[] = storeContract.filter(
  (it) => !storeRaces.some(({ name }) => name === it.name),
)

/** The table of HTTP cases over one adapter. */
export function httpSuite(name: string, harness: HttpHarness): Suite {
  return { name, cases: httpCases.map((it) => ({ name: it.name, run: () => it.run(harness) })) }
}

/** The contract of stores, in memory. */
export function memorySuite(): Suite {
  const cases = storeContract.map(({ name, run }) => ({ name, run: async () => run(new MemoryStore()) }))
  return { name: SUITES.memory, cases }
}

/** The contract of stores, on PostgreSQL. Each case empties the table. */
export function postgresSuite(db: PostgresDatabase, races: 'races' | 'no races' = 'races'): Suite {
  const chosen = races === 'races' ? storeContract : withoutRaces
  const cases = chosen.map((it) => ({
    name: it.name,
    run: async () => {
      const store = new PostgresStore({ db })
      await store.migrate()
      await db.query('truncate sessions', [])
      await it.run(store)
    },
  }))
  return { name: races === 'races' ? SUITES.postgres : SUITES.postgresAlone, cases }
}

/** The contract of stores on Redis, without its races. Each case has keys of its own. */
export function redisSuite(name: string, client: RedisClient): Suite {
  const cases = withoutRaces.map((it, at) => ({
    name: it.name,
    run: async () => it.run(new RedisStore({ client, prefix: `${name}, ${at}:` })),
  }))
  return { name, cases }
}

/** One browser that signs in, changes a value, and signs out, over a server and a database. */
export function signInSuite(harness: HttpHarness, db: PostgresDatabase): Suite {
  const store = new PostgresStore({ db })
  const empty = async () => {
    await store.migrate()
    await db.query('truncate sessions', [])
  }
  return signInSuiteOn(SUITES.signIn, harness, store, empty)
}

/** The same over Redis. */
export function signInRedisSuite(harness: HttpHarness, client: RedisClient): Suite {
  return signInSuiteOn(SUITES.signInRedis, harness, new RedisStore({ client }), async () => {})
}

function signInSuiteOn(name: string, harness: HttpHarness, store: Store, empty: () => Promise<void>): Suite {
  const run = () =>
    inWorld(
      harness,
      async ({ browser, manager }) => {
        const ada = browser()
        assertNewCookie(await ada.ask(path(['set', 'cart', ['hat']], ['signIn', 'ada'])))
        await ada.ask(path(['update', 'visits'], ['set', 'cart', ['hat', 'coat']]))
        const { userId, isNew, values } = viewOf(await ada.ask(path()))
        assert.deepEqual([userId, isNew, values], ['ada', false, { cart: ['hat', 'coat'], visits: 1 }])
        assert.equal((await manager.listSessions('ada')).length, 1)
        const thief = ada.copy()
        assertDeletion(await ada.ask(path(['destroy'])))
        assert.equal(viewOf(await thief.ask(path())).userId, undefined)
        assert.deepEqual(await manager.listSessions('ada'), [])
      },
      { manager: { store } },
    )
  return {
    name,
    cases: [
      {
        name: 'leave the session where it has to be',
        run: async () => {
          await empty()
          await run()
        },
      },
    ],
  }
}
