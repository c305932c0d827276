import { createServer } from 'node:http'
import { type Session, SessionManager, type Store } from 'coatcheck'
import { sessions as expressSessions } from 'coatcheck/adapters/express'
import { sessions as nodeSessions } from 'coatcheck/adapters/node'
import { MemoryStore } from 'coatcheck/stores/memory'
import { PostgresStore } from 'coatcheck/stores/postgres'
import express from 'express'
import pg from 'pg'

interface Cart {
  items: string[]
}

const store: Store = new MemoryStore()
const manager = new SessionManager<Cart>({ store, authKey: 'k'.repeat(32) })

// a pool is a database, and so is anything that can query
new PostgresStore({ db: new pg.Pool(), table: undefined, schema: undefined, timeout: undefined })
new PostgresStore({ db: new pg.Client() })
new PostgresStore({ db: { query: async (_text: string, _values?: unknown[]) => ({ rows: [] }) } })
// @ts-expect-error not a database
new PostgresStore({ db: {} })

express().use(expressSessions(manager), (_request, response) => void response.send('hello'))
express().use('/shop', expressSessions(manager, { property: 'cart' }))
express().use(expressSessions(manager, { property: undefined }))
// @ts-expect-error no such option
expressSessions(manager, { name: 'cart' })
// @ts-expect-error not a manager
expressSessions(store)

const middleware = nodeSessions(manager, { address: (request) => request.socket.remoteAddress })
createServer(async (request, response) => {
  // the values of the manager are those of the session
  const session: Session<Cart> | undefined = await middleware(request, response)
  const items: string[] | undefined = session?.get('items')
  // @ts-expect-error no such key
  session?.get('other')
  response.end(items?.join())
})

express().get('/', (request) => {
  // @ts-expect-error opt-in, by coatcheck/adapters/express/global
  request.session.userId
})
