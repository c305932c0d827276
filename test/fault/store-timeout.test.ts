import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey, SessionManager, type Store } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/node'
import { MemoryStore } from 'coatcheck/stores/memory'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import { listen } from '../http/node-harness.ts'
import { Lateness, SLACK_MS } from './lateness.ts'

/** Seconds. */
const STORE_TIMEOUT = 0.4

/** Milliseconds that a machine may add, however busy it is. */
const SLACK = 5000
/** Milliseconds after which a request that nobody ends is taken for one that never ends. */
const PATIENCE = 20_000

describe('storeTimeout, over HTTP', { timeout: PATIENCE }, () => {
  /** Methods of the store that never answer. */
  const silent = new Set<string | symbol>()
  let browser: Browser

  beforeEach(async () => {
    silent.clear()
    const store = new Proxy<Store>(new MemoryStore(), {
      get(target, name) {
        if (silent.has(name)) return () => new Promise<never>(() => {})
        const member: unknown = Reflect.get(target, name)
        return member instanceof Function ? member.bind(target) : member
      },
    })
    const manager = new SessionManager({
      store,
      authKey: generateKey(),
      storeTimeout: STORE_TIMEOUT,
      cleanupInterval: 0,
    })
    const middleware = sessions(manager)
    const { port, close } = await listen(async (request, response) => {
      const session = await middleware(request, response)
      if (session === undefined) return // it has answered
      if (request.url === '/sign-in') session.setUserId('ada')
      if (request.url === '/write-late') await sleep(1.5 * STORE_TIMEOUT * 1000)
      if (request.url?.startsWith('/write')) session.set('n', 1)
      if (request.url === '/change-of-user') session.setUserId('grace')
      response.end('answered')
    })
    browser = new Browser(port)
    onTestFinished(async () => {
      browser.close()
      await close()
    })
    await browser.ask('/sign-in')
  })

  async function expectRefused(path: string): Promise<void> {
    const lateness = new Lateness()
    onTestFinished(() => lateness.end())
    const measured = lateness.measure()
    const began = performance.now()
    const { status, setCookies } = await browser.ask(path)
    expect({ status, setCookies }).toEqual({ status: 503, setCookies: [] })
    expect(measured()).toBeLessThan(STORE_TIMEOUT * 1000 + SLACK_MS)
    expect(performance.now() - began).toBeLessThan(STORE_TIMEOUT * 1000 + SLACK)
  }

  it('answers 503 when it has passed without the session', async () => {
    silent.add('get')
    await expectRefused('/')
  })

  it('answers 503 when it has passed without an answer to the commit', async () => {
    silent.add('save')
    await expectRefused('/write')
  })

  it.each(['delete', 'create'])(
    'answers 503 when it has passed in a change of user, in its %s',
    async (name) => {
      silent.add(name)
      await expectRefused('/change-of-user')
    },
  )

  it('counts neither the time of the handler nor that of the load to the commit', async () => {
    expect((await browser.ask('/write-late')).status).toBe(200)
  })
})
