import path from 'node:path'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { httpCases } from '../http/cases.ts'
import { createDatabase } from '../servers/postgres.ts'
import { VERSIONS } from '../servers/runtimes.ts'
import { bundleWorker } from './bundle.ts'
import type { Report } from './inside/suite.ts'
import { SUITES } from './inside/suites.ts'
import { loadedNames } from './program.ts'
import { type SqlProxy, startSqlProxy } from './sql-proxy.ts'
import { type RunningWorker, startWorker } from './workerd.ts'

/** What workerd cannot do, and why. */
const CANNOT: readonly string[] = [
  // workerd itself joins two Cookie lines by a comma; clients send one, as RFC 6265 5.4 demands.
  'the same token sent twice, in one Cookie line or in two, is one token (R-162)',
]

const { project } = inject('installed')
let proxy: SqlProxy
let worker: RunningWorker

beforeAll(async () => {
  const database = await createDatabase(inject('postgres')[18])
  proxy = await startSqlProxy(database)
  await new PostgresStore({ db: proxy }).migrate()
  const script = await bundleWorker(path.resolve('test/runtimes/inside/worker.ts'), project)
  worker = await startWorker(script, { SQL_URL: proxy.url, DATABASE_URL: database })
})

afterAll(async () => {
  await worker.stop()
  await proxy.close()
})

function ask(target: string, cookie?: string): Promise<Response> {
  return fetch(new URL(target, worker.url), cookie === undefined ? {} : { headers: { cookie } })
}

async function runSuite(name: string): Promise<Report> {
  return (await (await ask(`/suites?name=${encodeURIComponent(name)}`)).json()) as Report // by worker.ts
}

async function signIn(user: string): Promise<string> {
  const response = await ask(`/application/sign-in?user=${user}`)
  expect(response.status, await response.text()).toBe(200)
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

async function lastSeen(user: string): Promise<number> {
  const { rows } = await proxy.query(`select last_seen_at from sessions where user_id = '${user}'`)
  return Number(rows[0]?.last_seen_at)
}

/** Of a test that hangs where something is wrong. */
const SOON = { timeout: 60_000 }

describe(`workerd of miniflare ${VERSIONS.miniflare}`, () => {
  it('loads every subpath, and makes a manager in the global scope', async () => {
    expect(await (await ask('/names')).json()).toEqual(await loadedNames())
    expect(await (await ask('/key')).text()).toMatch(/^[\w-]{43}$/)
  })

  it.each([SUITES.fetch, SUITES.hono])('passes %s, but for what it cannot do', async (suite) => {
    const { passed, failed } = await runSuite(suite)
    expect(failed.filter(({ name }) => !CANNOT.includes(name))).toEqual([])
    expect([passed, failed.length]).toEqual([httpCases.length - CANNOT.length, CANNOT.length])
  })

  it.each([SUITES.memory, SUITES.postgresAlone, SUITES.signIn, `pg: ${SUITES.postgresAlone}`])(
    'passes %s',
    async (suite) => {
      const { passed, failed } = await runSuite(suite)
      expect(failed).toEqual([])
      expect(passed).toBeGreaterThan(0)
    },
  )

  it('loses no touch that its response did not wait for, where the context is handed on', SOON, async () => {
    const cookie = await signIn('touched')
    const before = await lastSeen('touched')
    await ask('/advance?seconds=120')
    const held = proxy.hold('update')
    const response = await ask('/application/', cookie)
    expect(await response.json()).toEqual({ userId: 'touched' })
    await held.reached
    held.release()
    expect(await held.outcome).toBe('run')
    expect(await lastSeen('touched')).toBe(before + 120_000)
  })

  it('loses such a touch without the context: the request takes it along', SOON, async () => {
    const cookie = await signIn('lost')
    await ask('/advance?seconds=120')
    const held = proxy.hold('update')
    expect(await (await ask('/without-context/', cookie)).json()).toEqual({ userId: 'lost' })
    expect(await held.outcome).toBe('dropped')
  })

  it('lets no request wait for another, which may be over or gone', SOON, async () => {
    const users = Array.from({ length: 24 }, (_, index) => `user${index}`)
    const cookies = await Promise.all(users.map(signIn))
    const held = proxy.hold('select')
    const abandoned = new AbortController()
    const first = fetch(new URL('/application/', worker.url), {
      signal: abandoned.signal,
      headers: { cookie: cookies[0] ?? '' },
    })
    await held.reached // the first read is under way, and stays so
    const answers = cookies.map(async (cookie) => (await ask('/application/count', cookie)).json())
    expect(await Promise.all(answers)).toEqual(users.map((userId) => ({ userId, count: 1 })))
    abandoned.abort()
    await expect(first).rejects.toThrow()
    expect(await held.outcome).toBe('dropped')
    const again = cookies.map(async (cookie) => (await ask('/application/count', cookie)).json())
    expect(await Promise.all(again)).toEqual(users.map((userId) => ({ userId, count: 2 })))
  })

  it('answers again after a database was silent, however many were refused', SOON, async () => {
    const cookie = await signIn('patient')
    const refused: Promise<Response>[] = []
    for (let n = 0; n < 12; n++) {
      const held = proxy.hold('select')
      refused.push(ask('/application/', cookie))
      await held.reached
    }
    for (const { status } of await Promise.all(refused)) expect(status).toBe(503)
    expect(await (await ask('/application/', cookie)).json()).toEqual({ userId: 'patient' })
  })
})
