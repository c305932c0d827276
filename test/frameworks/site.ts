import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { Browser } from '../http/browser.ts'
import type { Received } from '../http/received.ts'
import { createDatabase } from '../servers/postgres.ts'
import { type Program, prepare, type Running, type Start } from './program.ts'

/** How a program is made ready and asked: what differs from one framework to the next. */
export interface Framework {
  /** Its folder in `examples/`. */
  readonly name: string
  /** What tests alone need in it: text by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Compiles and builds. */
  readonly build: (program: Program) => Promise<void>
  readonly start: Omit<Start, 'environment'>
  readonly environment?: NodeJS.ProcessEnv
  /** Paths that are asked with POST. */
  readonly routes: { readonly signIn: string; readonly signOut: string; readonly forbidden: string }
  /** Status where a handler meets a store that fails: what its framework makes of a thrown error with a `status`. */
  readonly thrown: 500 | 503
  /** What a browser sends with a form. */
  readonly form?: (port: number) => Readonly<Record<string, string>>
}

const programs = new Map<string, Promise<Program>>()

/** Makes a program ready, once for all that starts it in a test file. */
function built({ name, files, build }: Framework): Promise<Program> {
  const program = programs.get(name) ?? prepare(name, files).then((it) => build(it).then(() => it))
  programs.set(name, program)
  return program
}

/** A running program of a framework, over a database of its own. */
export class Site {
  readonly #framework: Framework
  #running: Running | undefined
  #database: pg.Client | undefined

  constructor(framework: Framework) {
    this.#framework = framework
  }

  get running(): Running {
    if (this.#running === undefined) throw new Error('the program does not run')
    return this.#running
  }

  async open(): Promise<void> {
    const program = await built(this.#framework)
    const environment = {
      DATABASE_URL: await createDatabase(inject('postgres')[18]),
      AUTH_KEY: 'one key for the programs of all frameworks',
      ...this.#framework.environment,
    }
    this.#database = new pg.Client({ connectionString: environment.DATABASE_URL })
    await this.#database.connect()
    this.#running = await program.start({ ...this.#framework.start, environment })
    await this.visitor().browser.ask('/') // next dev compiles what is asked for
  }

  async close(): Promise<void> {
    await this.#running?.stop()
    await this.#database?.end()
  }

  visitor(): Visitor {
    return new Visitor(this.running.port, this.#framework)
  }

  async query(text: string): Promise<Record<string, unknown>[]> {
    const result = await this.#database?.query(text)
    return result?.rows ?? []
  }

  /** Makes every write fail, and no read, while `run` runs. */
  async withoutWrites(run: () => Promise<void>): Promise<void> {
    await this.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'no room'; end $$;
      create trigger refuse before insert or update or delete on sessions for each row execute function refuse()`)
    try {
      await run()
    } finally {
      await this.query('drop function refuse() cascade')
    }
  }

  /** Makes the store fail while `run` runs, and lets it work again. */
  async withoutStore(run: () => Promise<void>): Promise<void> {
    await this.query('alter table sessions rename to sessions_away')
    try {
      await run()
    } finally {
      await this.query('alter table sessions_away rename to sessions')
    }
  }
}

/** One browser on a site. */
export class Visitor {
  readonly browser: Browser
  readonly #framework: Framework
  readonly #port: number

  constructor(port: number, framework: Framework, browser = new Browser(port)) {
    this.#port = port
    this.#framework = framework
    this.browser = browser
  }

  /** Where the first page is. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  /** Another one with the same cookies. */
  copy(): Visitor {
    return new Visitor(this.#port, this.#framework, this.browser.copy())
  }

  post(path: string): Promise<Received> {
    return this.browser.ask(path, { method: 'POST', headers: this.#framework.form?.(this.#port) ?? {} })
  }

  signIn(): Promise<Received> {
    return this.post(this.#framework.routes.signIn)
  }

  /** What the first page says. */
  async read(): Promise<string> {
    const { status, body } = await this.browser.ask('/')
    expect([status, body.length > 0]).toEqual([200, true])
    return helloOf(body)
  }
}

/** The greeting of a page, without the comments that frameworks put between pieces of text. */
export function helloOf(html: string): string {
  return /Hello [^<]*/.exec(html.replaceAll(/<!--.*?-->/g, ''))?.[0] ?? html
}

/** Gives the tests of a file a running program. */
export function useSite(framework: Framework): Site {
  const site = new Site(framework)
  beforeAll(() => site.open(), 600_000) // the first time, npm brings the framework
  afterAll(() => site.close())
  return site
}

const NOTHING = 'Clicks: 0. Theme: none. Language: none.'

/** What holds under every framework. */
export function itKeepsSessions(site: Site, { routes, thrown }: Framework): void {
  it('gives a stranger no cookie, and asks caches to look at cookies', async () => {
    const { status, setCookies, body } = await site.visitor().browser.ask('/')
    expect([status, setCookies, helloOf(body)]).toEqual([200, [], `Hello stranger. ${NOTHING}`])
    expect(await site.query('select id from sessions')).toEqual([])
  })

  it('signs in with a cookie that no cache keeps, and goes on with the session', async () => {
    const visitor = site.visitor()
    const { status, setCookies, headers } = await visitor.signIn()
    expect(status).toBeLessThan(400)
    expect(setCookies).toEqual([
      expect.stringMatching(/^__Host-id=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ])
    expect(headers['cache-control']).toBe('no-store')
    expect(await visitor.read()).toBe(`Hello ada. ${NOTHING}`)
    expect(await visitor.read()).toBe(`Hello ada. ${NOTHING}`)
  })

  it('loses nothing of parallel requests', async () => {
    const visitor = site.visitor()
    await visitor.signIn()
    const paths = ['/choose?theme=dark', '/choose?language=de', ...Array.from({ length: 8 }, () => '/click')]
    const answers = await Promise.all(paths.map((path) => visitor.post(path)))
    expect(answers.filter(({ status }) => status >= 400)).toEqual([])
    expect(await visitor.read()).toBe('Hello ada. Clicks: 8. Theme: dark. Language: de.')
  })

  it('ends the session when its user signs out, for whoever has a copy of the cookie', async () => {
    const visitor = site.visitor()
    await visitor.signIn()
    const thief = visitor.copy()
    const { setCookies } = await visitor.post(routes.signOut)
    expect(setCookies).toEqual([expect.stringMatching(/^__Host-id=; .*Max-Age=0/)])
    expect(await visitor.read()).toBe(`Hello stranger. ${NOTHING}`)
    expect(await thief.read()).toBe(`Hello stranger. ${NOTHING}`)
  })

  it('takes a forged cookie for nobody, and leaves it alone', async () => {
    const visitor = site.visitor()
    await visitor.signIn()
    const [token = ''] = visitor.browser.jar.values()
    const forged = token.slice(0, 40) + (token[40] === 'A' ? 'B' : 'A') + token.slice(41)
    const { body, setCookies } = await visitor.browser.send('/', { cookie: `__Host-id=${forged}` })
    expect([helloOf(body), setCookies]).toEqual([`Hello stranger. ${NOTHING}`, []])
    expect(await visitor.read()).toBe(`Hello ada. ${NOTHING}`)
  })

  it('answers 409 instead, without a cookie, if the session was renewed before the commit', async () => {
    const visitor = site.visitor()
    await visitor.signIn()
    const other = visitor.copy()
    await visitor.signIn()
    const { status, setCookies, body } = await other.post('/choose?theme=dark')
    expect([status, setCookies, body]).toEqual([409, [], 'Conflict\n'])
    expect(await visitor.read()).toBe(`Hello ada. ${NOTHING}`)
  })

  it('commits nothing for an answer that refuses', async () => {
    const visitor = site.visitor()
    const { status, setCookies } = await visitor.post(routes.forbidden)
    expect([status, setCookies]).toEqual([403, []])
  })

  it(`answers ${thrown} where update() throws in the handler, and 503 where the commit fails`, async () => {
    const visitor = site.visitor()
    await visitor.signIn()
    await site.withoutWrites(async () => {
      expect((await visitor.post('/click')).status).toBe(thrown)
      const { status, setCookies, body } = await visitor.post('/choose?theme=dark')
      expect([status, setCookies, body]).toEqual([503, [], 'Service Unavailable\n'])
    })
    expect(await visitor.read()).toBe(`Hello ada. ${NOTHING}`)
  })

  it('answers 503 while the store fails, and goes on afterwards', async () => {
    const visitor = site.visitor()
    await visitor.signIn()
    await site.withoutStore(async () => {
      const { status, setCookies } = await visitor.post('/choose?theme=dark')
      expect([status, setCookies]).toEqual([503, []])
    })
    await visitor.post('/choose?theme=light')
    expect(await visitor.read()).toBe('Hello ada. Clicks: 0. Theme: light. Language: none.')
  })
}
