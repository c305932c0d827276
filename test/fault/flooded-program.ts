import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { startApplication } from './application.ts'

// Run by flood-http.test.ts: the application under test as a process of its own, so that its memory is nobody else's.
// Tells its port; asked by any message, tells how many bytes of its heap are in use once all garbage is collected.
const [, , url, storeTimeout] = process.argv
const pool = new pg.Pool({ connectionString: url })
const store = new PostgresStore({ db: pool, timeout: Number(storeTimeout) * 0.8 })
await store.migrate()
const { port } = await startApplication(store, { storeTimeout: Number(storeTimeout) })
process.on('message', () => {
  globalThis.gc?.()
  process.send?.(process.memoryUsage().heapUsed)
})
process.once('disconnect', () => process.exit())
process.send?.(port)
