import { SessionManager } from 'coatcheck'
import { type PostgresDatabase, PostgresStore } from 'coatcheck/stores/postgres'
import { fakeBrowser } from 'coatcheck/testing'
import pg from 'pg'

// Run by process-killed.test.ts, each time as a process of its own: carries out one scenario and ends itself by
// SIGKILL at one of its statements, before it is sent or when it has been carried out but its answer has not
// reached the store. Prints what the browser has before, and `done` if no statement was the one.
const [, , url = '', scenario = '', step = '', when = ''] = process.argv
const pool = new pg.Pool({ connectionString: url })
const asText = { getTypeParser: () => String }
let statements = 0
let isCounting = false

const db: PostgresDatabase = {
  async query(text, values) {
    if (isCounting) statements += 1
    const isTheOne = isCounting && statements === Number(step)
    if (isTheOne && when === 'before') process.kill(process.pid, 'SIGKILL')
    const result = await pool.query({ text, values, types: asText })
    if (isTheOne && when === 'after') process.kill(process.pid, 'SIGKILL')
    return result
  },
}

const store = new PostgresStore({ db })
const authKey = process.env.SESSION_KEY
const manager = new SessionManager({ store, authKey, cleanupInterval: 0 })
const browser = fakeBrowser()

async function request(
  change: (session: Awaited<ReturnType<typeof manager.start>>) => unknown,
): Promise<void> {
  const exchange = browser.request()
  const session = await manager.start(exchange)
  change(session)
  await manager.refresh(exchange, session)
  browser.receive(exchange)
}

/** Everything but the migration changes a session that is there already. */
if (scenario !== 'migrate') {
  await store.migrate()
  await request((session) => {
    if (scenario !== 'sign-in') session.setUserId('ada')
    session.set('cart', 1)
  })
}
console.log([...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '))
isCounting = true
switch (scenario) {
  case 'migrate':
    await store.migrate()
    break
  case 'sign-in':
    await request((session) => session.setUserId('ada'))
    break
  case 'renew':
    await request((session) => session.renew())
    break
  case 'sign-out':
    await request((session) => session.destroy())
    break
  case 'change-of-user':
    await request((session) => session.setUserId('grace'))
    break
}
console.log('done')
await manager.close()
await pool.end()
