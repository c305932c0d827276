import { getSession, type Session, SessionManager, withSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/express'
import 'coatcheck/adapters/express/global'
import { sessions as fastifySessions } from 'coatcheck/adapters/fastify'
import 'coatcheck/adapters/fastify/global'
import { MemoryStore } from 'coatcheck/stores/memory'
import express from 'express'
import { fastify } from 'fastify'

interface AppValues {
  cart: string[]
  theme?: 'dark' | 'light'
}

declare module 'coatcheck' {
  interface Register {
    values: AppValues
  }
}

// a plain Session holds what the application declared
declare const session: Session
const cart: string[] | undefined = session.get('cart')
session.set('theme', 'dark')
// @ts-expect-error no such key
session.get('basket')
// @ts-expect-error not its type
session.set('theme', 'blue')

// so does the session of a plain manager, of the context and of the request
const manager = new SessionManager({ store: new MemoryStore(), authKey: 'k'.repeat(32) })
const own: Session<AppValues> | undefined = getSession(manager)
const current: Session<AppValues> | undefined = getSession()
const app = express().use(sessions(manager))
app.get('/', (request, response) => {
  const theme: 'dark' | 'light' | undefined = request.session.get('theme')
  // @ts-expect-error no such key
  request.session.get('basket')
  // @ts-expect-error express-session's idiom
  request.session.cart = []
  response.send(`${theme} ${request.session.userId ?? 'stranger'}`)
})

// a manager may still have values of its own
const other = new SessionManager<{ draft: string }>({ store: new MemoryStore(), authKey: 'k'.repeat(32) })
app.use(sessions(other, { property: 'draft' }))
const draft: string | undefined = getSession(other)?.get('draft')
declare const drafts: Session<{ draft: string }>
const length: number = withSession(drafts, () => 1)

export { cart, current, draft, length, own }

fastify()
  .register(fastifySessions(manager))
  .get('/', async (request) => {
    const theme: 'dark' | 'light' | undefined = request.session.get('theme')
    // @ts-expect-error no such key
    request.session.get('basket')
    return `${theme} ${request.session.userId ?? 'stranger'}`
  })
