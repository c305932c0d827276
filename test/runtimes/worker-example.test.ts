import path from 'node:path'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { bundleWorker } from './bundle.ts'
import { type SqlProxy, startSqlProxy } from './sql-proxy.ts'
import { type RunningWorker, startWorker } from './workerd.ts'

let proxy: SqlProxy
let worker: RunningWorker

beforeAll(async () => {
  const database = await createDatabase(inject('postgres')[18])
  proxy = await startSqlProxy(database)
  await new PostgresStore({ db: proxy }).migrate()
  const script = await bundleWorker(path.resolve('examples/worker/main.ts'), inject('installed').project)
  worker = await startWorker(script, {
    DATABASE_URL: database,
    AUTH_KEY: 'a key of the test, long enough for that',
  })
})

afterAll(async () => {
  await worker.stop()
  await proxy.close()
})

async function ask(method: 'GET' | 'POST', target: string, cookie?: string) {
  const headers: Record<string, string> = cookie === undefined ? {} : { cookie }
  const response = await fetch(new URL(target, worker.url), { method, headers, redirect: 'manual' })
  return { status: response.status, text: await response.text(), setCookies: response.headers.getSetCookie() }
}

describe('examples/worker, over pg from workerd', () => {
  it('signs in, greets by name, keeps the address, and signs out for good', async () => {
    expect(await ask('GET', '/')).toEqual({ status: 200, text: 'Hello stranger\n', setCookies: [] })
    const signedIn = await ask('POST', '/sign-in')
    expect([signedIn.status, signedIn.setCookies.length]).toEqual([303, 1])
    const cookie = signedIn.setCookies[0]?.split(';')[0]
    const greetings = await Promise.all(Array.from({ length: 10 }, () => ask('GET', '/', cookie)))
    expect(greetings.map(({ text }) => text)).toEqual(Array.from({ length: 10 }, () => 'Hello ada\n'))
    expect((await proxy.query('select user_id, address from sessions')).rows).toEqual([
      { user_id: 'ada', address: '127.0.0.1' },
    ])
    const signedOut = await ask('POST', '/sign-out', cookie)
    expect(signedOut.setCookies).toEqual([expect.stringContaining('Max-Age=0')])
    expect((await ask('GET', '/', cookie)).text).toBe('Hello stranger\n')
  }, 60_000)
})
