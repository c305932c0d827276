import { StateError, ValueError } from 'coatcheck'
import { fakeSession } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'

interface Values {
  cart: string[]
  count: number
}

describe('fakeSession', () => {
  it('is a new session of nobody where nothing is given', () => {
    const session = fakeSession()
    expect(session.isNew).toBe(true)
    expect(session.userId).toBeUndefined()
    expect(session.signedInAt).toBeUndefined()
    expect(session.values()).toEqual({})
    expect(session.id).not.toBe(fakeSession().id)
  })

  it('is a stored session of the user with the values', () => {
    const session = fakeSession<Values>({ userId: 'ada', values: { cart: ['a'] } })
    expect(session.isNew).toBe(false)
    expect(session.userId).toBe('ada')
    expect(session.get('cart')).toEqual(['a'])
    expect(session.has('count')).toBe(false)
  })

  it('is a stored session of nobody where only values are given', () => {
    const session = fakeSession({ values: { cart: 1 } })
    expect(session.isNew).toBe(false)
    expect(session.userId).toBeUndefined()
    expect(session.get('cart')).toBe(1)
  })

  it('has the id and the instants that are given', () => {
    const id = '3f0c9a51-7d64-4c1e-9b7a-5d20c6f4e1a8'
    const now = new Date('2030-05-01T12:00:00Z')
    const signedInAt = new Date('2030-05-01T11:00:00Z')
    const session = fakeSession({ id, userId: 'ada', signedInAt, now })
    expect(session.id).toBe(id)
    expect(session.signedInAt).toEqual(signedInAt)
    expect(session.lastSeenAt).toEqual(now)
    expect(session.expiresAt).toEqual(new Date('2030-05-02T12:00:00Z'))
  })

  it('was signed in at the instant of the request where nothing else is said', () => {
    const now = new Date('2030-05-01T12:00:00Z')
    expect(fakeSession({ userId: 'ada', now }).signedInAt).toEqual(now)
  })

  it('copies the values, so that a test keeps its own', () => {
    const cart = ['a']
    const session = fakeSession<Values>({ values: { cart } })
    session.get('cart')?.push('b')
    expect(cart).toEqual(['a'])
  })

  it('refuses values that JSON cannot hold', () => {
    expect(() => fakeSession({ values: { when: new Date(0) } })).toThrow(ValueError)
  })

  it('stages as in production', () => {
    const session = fakeSession<Values>({ userId: 'ada', values: { cart: ['a'], count: 1 } })
    session.set('count', 2).delete('cart')
    expect(session.values()).toEqual({ count: 2 })
    expect(session.take('count')).toBe(2)
    session.set('count', 3).setUserId(undefined)
    expect(session.userId).toBeUndefined()
    expect(session.values()).toEqual({})
  })

  it('signs in as in production, a new session and a stored one', () => {
    expect(fakeSession().setUserId('ada').userId).toBe('ada')
    const session = fakeSession<Values>({ values: { count: 1 } })
    expect(session.setUserId('ada').get('count')).toBe(1)
    expect(() => session.setUserId('')).toThrow(ValueError)
  })

  it('refuses changes after its end', () => {
    const session = fakeSession<Values>({ userId: 'ada', values: { count: 1 } })
    session.destroy()
    expect(session.userId).toBeUndefined()
    expect(session.get('count')).toBeUndefined()
    expect(() => session.set('count', 2)).toThrow(StateError)
  })

  it('updates values of a stored session, several at once', async () => {
    const session = fakeSession<Values>({ userId: 'ada', values: { count: 1 } })
    const add = () => session.update('count', (old = 0) => old + 1)
    await Promise.all([add(), add(), add()])
    expect(await add()).toBe(5)
    expect(session.get('count')).toBe(5)
    expect(await session.update('count', () => undefined)).toBeUndefined()
    expect(session.has('count')).toBe(false)
  })

  it('updates values of a new session', async () => {
    const session = fakeSession<Values>()
    expect(await session.update('count', (old = 10) => old + 1)).toBe(11)
    expect(session.get('count')).toBe(11)
  })
})
