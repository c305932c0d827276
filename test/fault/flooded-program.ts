import { setTimeout as pause } from 'node:timers/promises'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { startApplication } from './application.ts'

// Run by flood-http.test.ts: the application under test as a process of its own, so that its memory is nobody else's.
// Tells its port; asked by any message, tells how many bytes of its heap are in use once all garbage is collected.
const [, , url, storeTimeout] = process.argv
const pool = new pg.Pool({ connectionString: url })
const store = new PostgresStore({ db: pool, timeout: Number(storeTimeout) * 0.8 })
await store.migrate()
const { port, server } = await startApplication(store, { storeTimeout: Number(storeTimeout) })
// Those who are answered first wait for the others: no connection is to be closed just as it is used again.
server.keepAliveTimeout = 60_000
process.on('message', async () => {
  // Twice, with time between for what ends by itself: one look in twenty found 4 MB that the next did not.
  globalThis.gc?.()
  await pause(50)
  globalThis.gc?.()
  process.send?.(process.memoryUsage().heapUsed)
})
process.once('disconnect', () => process.exit())
process.send?.(port)
