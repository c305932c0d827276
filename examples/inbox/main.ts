/** Starts the inbox: `npm start`. What can be set in the environment stands in settings.ts. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { SessionManager } from 'coatcheck'
import type { Express } from 'express'
import { createInbox } from './app.ts'
import { readKeys } from './keys.ts'
import { openSessionStore } from './session-store.ts'
import type { InboxValues } from './session-values.ts'
import { readSettings, type Settings } from './settings.ts'

/** Milliseconds that requests under way have to end once the application is told to stop. */
const GRACE = 3_000

interface Inbox {
  readonly app: Express
  close(): Promise<void>
}

async function main(): Promise<void> {
  const settings = readSettings(process.env)
  const server = createServer()
  await listen(server, settings)
  // The port first, so that a taken one is told before anything is opened. Requests wait until all is open.
  const opening = openInbox(settings)
  server.on('request', (request, response) => {
    opening.then(
      ({ app }) => app(request, response),
      () => response.destroy(),
    )
  })
  try {
    const inbox = await opening
    console.log(`inbox is at ${addressOf(server, settings)}`)
    if (settings.publicOrigin !== undefined) console.log(`people reach it at ${settings.publicOrigin}`)
    await toldToStop()
    await closeServer(server)
    await inbox.close()
  } finally {
    server.close()
  }
}

async function openInbox(settings: Settings): Promise<Inbox> {
  const { publicOrigin } = settings
  const keys = await readKeys(settings.dataFolder)
  const opened = await openSessionStore(settings)
  const manager = new SessionManager<InboxValues>({
    store: opened.store,
    authKey: keys,
    // Over TLS the cookie is the default: __Host-id, Secure. Safari takes no Secure cookie from
    // http://localhost, so plain http, which listens on this machine alone, goes without.
    cookie: { secure: publicOrigin !== undefined },
    onEvent: (event) => {
      if (event.type === 'store-failed') console.error(`sessions: ${event.operation} failed:`, event.error)
    },
  })
  return {
    app: createInbox(manager, { publicOrigin }),
    close: async () => {
      await manager.close()
      await opened.close()
    },
  }
}

async function listen(server: Server, { port, host }: Settings): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw new Error(`port ${port} is taken: name another, as in PORT=3001 npm start`, { cause: error })
  }
}

function addressOf(server: Server, { host }: Settings): string {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host === '127.0.0.1' ? 'localhost' : host}:${port}`
}

async function toldToStop(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
}

async function closeServer(server: Server): Promise<void> {
  // Or a browser that goes on asking over the connection it has would keep it open.
  server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'))
  const impatience = setTimeout(() => server.closeAllConnections(), GRACE)
  server.close()
  await once(server, 'close')
  clearTimeout(impatience)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? `inbox: ${error.message}` : error)
  process.exitCode = 1
})
