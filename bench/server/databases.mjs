// How a server reaches each database, and how many statements or commands it has sent there.
import pg from 'pg'
import { createClient } from 'redis'

export const DATABASES = {
  postgres(url) {
    const pool = new pg.Pool({ connectionString: url, max: 10 })
    pool.on('error', () => {})
    // Not on the pool: there coatcheck would take it for a tracer, which must see every statement.
    return { database: pool, sent: countCalls(pg.Client.prototype, 'query') }
  },

  async redis(url) {
    const client = createClient({ url })
    client.on('error', () => {})
    await client.connect()
    // What createClient gives inherits from the client through which everything goes.
    return { database: client, sent: countCalls(Object.getPrototypeOf(client), 'sendCommand') }
  },
}

/** @returns a function that says how often the method was called. */
function countCalls(object, name) {
  const method = object[name]
  let calls = 0
  object[name] = function (...args) {
    calls += 1
    return method.apply(this, args)
  }
  return () => calls
}
