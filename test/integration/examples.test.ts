import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import type { Received } from '../http/received.ts'
import { createDatabase } from '../servers/postgres.ts'
import { type ExampleProgram, startExample } from './example-program.ts'

/** The programs by folder, and what each calls its framework. */
const PROGRAMS = {
  node: 'node:http',
  express: 'Express',
  fastify: 'Fastify',
  hono: 'Hono',
  koa: 'Koa',
  fetch: 'fetch',
} as const

type Program = keyof typeof PROGRAMS

const names = Object.keys(PROGRAMS) as Program[] // of the literal above
const running = new Map<Program, ExampleProgram>()
const browsers = new Map<Program, Browser>()

/** A browser that takes its cookies from one program to the next. */
class Traveller {
  readonly #jar: Browser

  constructor(jar = new Browser(0)) {
    this.#jar = jar
  }

  /** Another one with the same cookies. */
  copy(): Traveller {
    return new Traveller(this.#jar.copy())
  }

  async ask(program: Program, path: string, method = 'GET'): Promise<Received> {
    const { cookie } = this.#jar
    // As a browser posts an empty form.
    const headers = method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
    const received = await at(program).send(path, { method, cookie, headers })
    this.#jar.receive(received)
    return received
  }

  async post(program: Program, path: string): Promise<void> {
    const received = await this.ask(program, path, 'POST')
    expect([program, path, received.status, received.headers.location]).toEqual([
      program,
      path,
      303,
      expect.stringMatching(/\/$/),
    ])
  }

  async read(program: Program): Promise<string> {
    const { status, body, headers } = await this.ask(program, '/')
    expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/html/)])
    return /<p>(.*)/.exec(body)?.[1] ?? body
  }
}

function at(program: Program): Browser {
  const browser = browsers.get(program)
  if (browser === undefined) throw new Error(`${program} does not run`)
  return browser
}

let database: pg.Client

beforeAll(async () => {
  const environment = {
    DATABASE_URL: await createDatabase(inject('postgres')[18]),
    AUTH_KEY: 'one key for the programs of all frameworks',
  }
  database = new pg.Client({ connectionString: environment.DATABASE_URL })
  await database.connect()
  await Promise.all(
    names.map(async (name) => {
      const program = await startExample(name, environment)
      running.set(name, program)
      browsers.set(name, new Browser(program.port))
    }),
  )
})

afterAll(async () => {
  for (const browser of browsers.values()) browser.close()
  await Promise.all([...running.values()].map((program) => program.stop()))
  await database.end()
})

/** Makes each write to a record that is there fail, until the test is over. */
async function failWrites(): Promise<void> {
  await database.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'no room'; end $$;
    create trigger refuse before update on sessions for each row execute function refuse()`)
  onTestFinished(async () => void (await database.query('drop function refuse() cascade')))
}

/** Holds every record, so that writes to it wait. @returns what lets them go on. */
async function lockRecords(): Promise<() => Promise<unknown>> {
  await database.query('begin')
  await database.query('select 1 from sessions for update')
  return () => database.query('rollback')
}

async function countClicks(): Promise<number> {
  const { rows } = await database.query(
    "select coalesce(sum((values->>'clicks')::int), 0)::int as clicks from sessions",
  )
  return rows[0].clicks
}

/** Waits until this many statements wait for a lock. */
async function untilWaiting(count: number): Promise<void> {
  const text =
    "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
  while ((await database.query(text)).rows.length < count)
    await database.query('select pg_stat_clear_snapshot()')
}

/** Waits until nobody listens on a port any more. */
async function untilClosed(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isRefused = await once(socket, 'connect').then(
      () => false,
      () => true,
    )
    socket.destroy()
    if (isRefused) return
  }
}

describe('the programs in examples/', () => {
  it('are one per framework', () => {
    const folders = readdirSync('examples', { withFileTypes: true }).filter((entry) => entry.isDirectory())
    // Those that have packages of their own have a test of their own.
    const others = readdirSync('test/frameworks').flatMap((file) => /^(.+)\.test\.ts$/.exec(file)?.[1] ?? [])
    expect(folders.map(({ name }) => name).sort()).toEqual([...names, ...others, 'inbox', 'worker'].sort())
  })

  for (const name of names) {
    it(`${name}: signs in, counts, signs out, and gives a stranger no cookie`, async () => {
      const traveller = new Traveller()
      const stranger = await traveller.ask(name, '/')
      expect([stranger.status, stranger.setCookies, stranger.headers.vary]).toEqual([200, [], 'Cookie'])
      await traveller.post(name, '/sign-in?user=ada')
      await traveller.post(name, '/click')
      expect(await traveller.read(name)).toBe(`Hello ada, this is ${PROGRAMS[name]}. Clicks: 1.`)
      await traveller.post(name, '/sign-out')
      expect(await traveller.read(name)).toBe(`Hello stranger, this is ${PROGRAMS[name]}. Clicks: 0.`)
    })

    it(`${name}: refuses a user that it does not know, and a page`, async () => {
      const traveller = new Traveller()
      expect((await traveller.ask(name, '/sign-in?user=eve', 'POST')).status).toBe(403)
      expect((await traveller.ask(name, '/nowhere')).status).toBe(404)
    })
  }

  it('go on with a session that another framework began, whichever the order', async () => {
    for (const [offset, first] of names.entries()) {
      const route = [...names.slice(offset), ...names.slice(0, offset)]
      const traveller = new Traveller()
      await traveller.post(first, '/sign-in?user=grace')
      for (const name of route) await traveller.post(name, '/click')
      for (const name of route) {
        expect(await traveller.read(name)).toBe(
          `Hello grace, this is ${PROGRAMS[name]}. Clicks: ${names.length}.`,
        )
      }
      await traveller.post(route.at(-1) ?? first, '/sign-out')
      expect(await traveller.read(first)).toMatch(/^Hello stranger/)
    }
  })

  it('lose no click of parallel requests to all frameworks at once', async () => {
    const traveller = new Traveller()
    await traveller.post('hono', '/sign-in?user=ada')
    const clicks = names.flatMap((name) => Array.from({ length: 5 }, () => traveller.post(name, '/click')))
    await Promise.all(clicks)
    expect(await traveller.read('koa')).toBe(`Hello ada, this is Koa. Clicks: ${clicks.length}.`)
  })

  it('refuse at once, whichever it is, the cookie that a sign-in on another one replaced', async () => {
    const traveller = new Traveller()
    await traveller.post('express', '/sign-in?user=ada')
    const thief = traveller.copy()
    await traveller.post('fetch', '/sign-in?user=ada')
    for (const name of names) {
      expect(await thief.read(name)).toMatch(/^Hello stranger/)
      expect(await traveller.read(name)).toMatch(/^Hello ada/)
    }
  })

  it('answer with the status of the error that a handler met', async () => {
    const traveller = new Traveller()
    await traveller.post('node', '/sign-in?user=ada')
    await failWrites()
    const answers = names.map(async (name) => [name, (await traveller.ask(name, '/click', 'POST')).status])
    expect(await Promise.all(answers)).toEqual(names.map((name) => [name, 503]))
  })

  // Ends the programs: the last of the file.
  it('end with code 0 when they are told to stop, after they have answered what was under way', async () => {
    const traveller = new Traveller()
    await traveller.post('node', '/sign-in?user=ada')
    const before = await countClicks()
    const unlock = await lockRecords()
    const answers = names.map((name) => traveller.ask(name, '/click', 'POST'))
    await untilWaiting(names.length)
    const ends = [...running.values()].map((program) => program.terminate())
    await Promise.all([...running.values()].map(({ port }) => untilClosed(port)))
    await unlock()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(names.map(() => 303))
    for (const browser of browsers.values()) browser.close() // the connections, which nobody uses any more
    expect(await Promise.all(ends)).toEqual(names.map(() => 0))
    expect(await countClicks()).toBe(before + names.length)
  })
})
