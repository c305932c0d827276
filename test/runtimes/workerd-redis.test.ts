import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { until } from '../servers/redis-group.ts'
import { VERSIONS } from '../servers/runtimes.ts'
import { bundleWorker } from './bundle.ts'
import type { Report } from './inside/suite.ts'
import { SUITES } from './inside/suites.ts'
import { type RunningWorker, startWorker } from './workerd.ts'

let server: RedisServer
let worker: RunningWorker

beforeAll(async () => {
  server = await startRedis()
  const script = await bundleWorker(
    path.resolve('test/runtimes/inside/redis-worker.ts'),
    inject('installed').project,
  )
  worker = await startWorker(script, { REDIS_URL: `redis://127.0.0.1:${server.node.port}` })
})

afterAll(async () => {
  await worker?.stop()
  await server?.stop()
})

async function ask(target: string, cookie?: string) {
  const response = await fetch(
    new URL(`/application${target}`, worker.url),
    cookie === undefined ? {} : { headers: { cookie } },
  )
  const [setCookie] = response.headers.getSetCookie()
  return { status: response.status, text: await response.text(), setCookie }
}

async function signIn(user: string): Promise<string> {
  const { setCookie = '' } = await ask(`/sign-in?user=${user}`)
  return setCookie.slice(0, setCookie.indexOf(';'))
}

describe(`Redis from workerd of miniflare ${VERSIONS.miniflare}, with a connection for each request`, () => {
  it.each([SUITES.ioredisAlone, SUITES.nodeRedisAlone, SUITES.signInRedis])('passes %s', async (suite) => {
    const response = await fetch(new URL(`/suites?name=${encodeURIComponent(suite)}`, worker.url))
    const { passed, failed } = (await response.json()) as Report // by redis-worker.ts
    expect(failed).toEqual([])
    expect(passed).toBeGreaterThan(0)
  })

  it('signs in, counts for many at once, and signs out for good', async () => {
    const users = Array.from({ length: 24 }, (_, at) => `user${at}`)
    const cookies = await Promise.all(users.map(signIn))
    for (const count of [1, 2]) {
      const answers = await Promise.all(cookies.map((cookie) => ask('/count', cookie)))
      expect(answers.map(({ text }) => text)).toEqual(
        users.map((userId) => JSON.stringify({ userId, count })),
      )
    }
    expect((await ask('/sign-out', cookies[0])).setCookie).toContain('Max-Age=0')
    const after = await Promise.all(cookies.map((cookie) => ask('/', cookie)))
    expect(after.map(({ text }) => text)).toEqual([
      '{}',
      ...users.slice(1).map((userId) => JSON.stringify({ userId, count: 2 })),
    ])
  })

  it('is answered 503 while the server is silent, and serves again when it is back', async () => {
    const cookie = await signIn('eve')
    const statusOf = async () => (await ask('/', cookie)).status
    server.node.freeze()
    expect(await statusOf()).toBe(503)
    server.node.thaw()
    expect(await statusOf()).toBe(200)
  })

  it('leaves no connection behind', async () => {
    await signIn('ada')
    await until('no connection but our own', async () => {
      const list = String(await server.node.command('client', 'list'))
      return list.trim().split('\n').length === 1
    })
  })
})
