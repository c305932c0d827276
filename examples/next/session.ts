import { type Exchange, type Session, withSession } from 'coatcheck'
import { cookies, headers } from 'next/headers'
import { cache } from 'react'
import { manager, type Values } from './manager'

/** The session for a server component, which can read it, not change it: its head has gone, or cannot be held. */
export const readSession = cache(async (): Promise<Session<Values>> => {
  const exchange = await toExchange({ headSent: true })
  const session = await manager.start(exchange)
  await manager.refresh(exchange, session) // nothing but a touch, if one is due
  return session
})

/**
 * Gives a server action its session, and commits when `change` is done. Call `redirect()` after it, not in it: what is
 * thrown in it counts as a failure, and drops what was changed.
 */
export async function changeSession<T>(change: (session: Session<Values>) => T | Promise<T>): Promise<T> {
  const exchange = await toExchange({ headSent: false })
  const session = await manager.start(exchange)
  let result: T
  try {
    result = await withSession(session, () => change(session))
  } catch (error) {
    exchange.status = 500
    await manager.refresh(exchange, session) // a sign-out counts all the same
    throw error
  }
  await manager.refresh(exchange, session)
  return result
}

/** One request of Next.js, as far as components and actions see it: its cookies, and no response. */
async function toExchange({ headSent }: { headSent: boolean }): Promise<Exchange & { status: number }> {
  const [jar, head] = await Promise.all([cookies(), headers()])
  return {
    request: {},
    status: 200,
    headSent,
    address: undefined, // behind your own proxy: head.get('x-real-ip') ?? undefined, or what it sets
    // The jar knows what an action of this request has set; the header does not.
    header: (name) =>
      name === 'cookie'
        ? jar
            .getAll()
            .map((cookie) => `${cookie.name}=${cookie.value}`)
            .join('; ')
        : (head.get(name) ?? undefined),
    setCookie: (cookie) => void jar.set(cookie),
    responseHeader: () => undefined,
    setHeader: () => {}, // what depends on cookies() is never cached by Next.js
  }
}
