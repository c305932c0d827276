import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { startApplication } from './application.ts'

// Run by process-stopped.test.ts: the application under test as a process that ends as the guide says. Prints its
// port, and at its end how many requests it took and how many it answered.
const [, , url = ''] = process.argv
const pool = new pg.Pool({ connectionString: url })
const store = new PostgresStore({ db: pool, timeout: 8 })
const { port, server, manager } = await startApplication(store, { storeTimeout: 10 })
let taken = 0
let answered = 0
server.on('request', (_request, response) => {
  taken += 1
  response.once('finish', () => {
    answered += 1
  })
})
process.once('SIGTERM', () => {
  server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'))
  server.close(() => void stop())
})
console.log(port)

async function stop(): Promise<void> {
  await manager.close()
  await pool.end()
  console.log(JSON.stringify({ taken, answered }))
  process.exit() // whatever is still under way
}
