import { AsyncLocalStorage } from 'node:async_hooks'
import { generateKey, getSession, type Session, SessionManager, withSession } from 'coatcheck'
import { toExchange } from 'coatcheck/adapters/node'
import { MemoryStore } from 'coatcheck/stores/memory'
import { describe, expect, it, vi } from 'vitest'

type Values = Record<string, unknown>

function aManager(): SessionManager<Values> {
  return new SessionManager<Values>({ store: new MemoryStore(), authKey: generateKey(), cleanupInterval: 0 })
}

/** A session of this manager, of a request without a response. */
function aSession(manager: SessionManager<Values>): Promise<Session<Values>> {
  const request = { headers: {}, socket: {} } as Parameters<typeof toExchange>[0] // all that is read of it
  return manager.start(toExchange(request))
}

describe('withSession(session, run)', () => {
  it('returns what the function returns, and throws what it throws', async () => {
    const session = await aSession(aManager())
    expect(withSession(session, () => 42)).toBe(42)
    expect(() =>
      withSession(session, () => {
        throw new Error('out')
      }),
    ).toThrow('out')
    await expect(withSession(session, async () => 'later')).resolves.toBe('later')
  })

  it('ends with the function', async () => {
    const session = await aSession(aManager())
    withSession(session, () => expect(getSession()).toBe(session))
    expect(getSession()).toBeUndefined()
  })
})

describe('getSession()', () => {
  it('is undefined outside of any request', () => {
    expect(getSession()).toBeUndefined()
    expect(getSession(aManager())).toBeUndefined()
  })

  it('is the innermost session, through awaits', async () => {
    const manager = aManager()
    const [outer, inner] = [await aSession(manager), await aSession(manager)]
    await withSession(outer, async () => {
      await withSession(inner, async () => {
        await Promise.resolve()
        expect(getSession()).toBe(inner)
      })
      expect(getSession()).toBe(outer)
    })
  })

  it('takes any session, also one that no manager started', () => {
    const mock = { id: 'x' } as unknown as Session // an application's own fake
    withSession(mock, () => {
      expect(getSession()).toBe(mock)
      expect(getSession(aManager())).toBeUndefined()
    })
  })
})

describe('getSession(manager)', () => {
  it("is that manager's, however deep others are inside", async () => {
    const [users, admins] = [aManager(), aManager()]
    const [user, admin] = [await aSession(users), await aSession(admins)]
    withSession(user, () =>
      withSession(admin, () => {
        expect(getSession(users)).toBe(user)
        expect(getSession(admins)).toBe(admin)
        expect(getSession(aManager())).toBeUndefined()
      }),
    )
  })

  it('finds what another copy of the package has entered, as bundlers make them', async () => {
    const manager = aManager()
    const session = await aSession(manager)
    vi.resetModules()
    const copy = await import('coatcheck')
    expect(copy.getSession).not.toBe(getSession)
    withSession(session, () => {
      expect(copy.getSession()).toBe(session)
      expect(copy.getSession(manager)).toBe(session)
    })
  })
})

it('importing the package creates no context', async () => {
  const key = Symbol.for('coatcheck.context')
  const before = Reflect.get(globalThis, key) as unknown
  Reflect.deleteProperty(globalThis, key)
  vi.resetModules()
  const copy = await import('coatcheck')
  expect(Reflect.has(globalThis, key)).toBe(false)
  copy.getSession()
  expect(Reflect.get(globalThis, key)).toBeInstanceOf(AsyncLocalStorage)
  Reflect.set(globalThis, key, before)
})
