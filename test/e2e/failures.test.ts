import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKey, SessionManager, StoreError } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createInbox } from '../../examples/inbox/app.ts'
import type { InboxValues } from '../../examples/inbox/session-values.ts'

/** A store whose server goes away when a test says so. */
class FragileStore extends MemoryStore {
  isBroken = false

  override get(...args: Parameters<MemoryStore['get']>): ReturnType<MemoryStore['get']> {
    return this.isBroken ? Promise.reject(broken('get')) : super.get(...args)
  }

  override create(...args: Parameters<MemoryStore['create']>): ReturnType<MemoryStore['create']> {
    return this.isBroken ? Promise.reject(broken('create')) : super.create(...args)
  }
}

describe('createInbox()', () => {
  let store: FragileStore
  let manager: SessionManager<InboxValues>
  let server: Server
  let url: string

  beforeEach(async () => {
    store = new FragileStore()
    manager = new SessionManager<InboxValues>({ store, authKey: generateKey(), cookie: { secure: false } })
    server = createInbox(manager).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on a port, not on a pipe
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await manager.close()
  })

  const post = (path: string, fields: Record<string, string>, cookie = '') =>
    fetch(url + path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { cookie },
      redirect: 'manual',
    })

  const signedIn = async (cookie = '') => {
    const answer = await post('/sign-in', { name: 'ada' }, cookie)
    return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }

  it('answers 503 with a page, not as to a stranger, where the session cannot be loaded', async () => {
    const cookie = await signedIn()
    store.isBroken = true
    const answer = await fetch(url, { headers: { cookie } })
    await expectPage(answer, 503, 'Back in a moment')
    store.isBroken = false
    const after = await fetch(url, { headers: { cookie } })
    await expect(after.text()).resolves.toContain('Your notes')
  })

  it('answers 503 with a page where a sign-in cannot be stored', async () => {
    store.isBroken = true
    await expectPage(await post('/sign-in', { name: 'ada' }), 503, 'Back in a moment')
  })

  it('answers 409 with a page where the session was renewed meanwhile', async () => {
    const old = await signedIn()
    await signedIn(old)
    await expectPage(await post('/theme', { theme: 'dark' }, old), 409, 'Your session changed')
  })

  it('answers 413 with a page to a form that is too large', async () => {
    const cookie = await signedIn()
    await expectPage(await post('/notes', { text: 'x'.repeat(20_000) }, cookie), 413, 'Too long')
  })

  it('answers 404 with a page, in the theme that was chosen', async () => {
    const chosen = await post('/theme', { theme: 'dark' })
    const cookie = chosen.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const answer = await fetch(`${url}/nowhere`, { headers: { cookie } })
    const text = await expectPage(answer, 404, 'Not found')
    expect(text).toContain('data-theme="dark"')
  })

  it('keeps at most 30 notes of at most 500 characters, well within the size of a session', async () => {
    const cookie = await signedIn()
    const text = '"'.repeat(250) + '\u{65e5}'.repeat(300)
    for (let count = 0; count < 31; count += 1) await post('/notes', { text }, cookie)
    const page = await (await fetch(url, { headers: { cookie } })).text()
    expect(page).toContain('Your inbox is full at 30 notes.')
    expect(page).toContain('30 of 30')
  })
})

async function expectPage(answer: Response, status: number, title: string): Promise<string> {
  const text = await answer.text()
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toContain('text/html')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(text).toContain(`<h1>${title}</h1>`)
  expect(text).toContain('<title>')
  return text
}

function broken(operation: string): StoreError {
  return new StoreError(operation, new Error('connection refused'))
}
