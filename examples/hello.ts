import { generateKey, type Session, SessionError, SessionManager } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'

/** What the programs keep in their sessions. */
export interface Values {
  clicks: number
}

const USERS = ['ada', 'grace'] as const

/** Where the programs listen. */
export const port = Number(process.env.PORT ?? 3000)

/** The manager of a program, and how to let go of it and of the database behind it. */
export interface Opened {
  readonly manager: SessionManager<Values>
  close(): Promise<void>
}

/**
 * Makes the manager, the same for every framework. With `DATABASE_URL` and one `AUTH_KEY`, who is signed in to
 * one of the programs is signed in to all.
 */
export async function openManager(): Promise<Opened> {
  const { DATABASE_URL, AUTH_KEY = generateKey() } = process.env
  if (DATABASE_URL === undefined) {
    const manager = new SessionManager<Values>({ store: new MemoryStore(), authKey: AUTH_KEY })
    return { manager, close: () => manager.close() }
  }
  const db = new pg.Pool({ connectionString: DATABASE_URL })
  const store = new PostgresStore({ db })
  await store.migrate()
  const manager = new SessionManager<Values>({ store, authKey: AUTH_KEY })
  const close = async () => {
    await manager.close()
    await db.end()
  }
  return { manager, close }
}

/** Once the program is told to stop: requests under way end first, then what they need is closed. */
export function closeOnSignal(server: { close(done: () => void): unknown }, opened: Opened): void {
  const stop = () => server.close(() => void opened.close()) // a rejection ends the program with its error
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
}

/** Which status an error is answered with, where the framework does not read it from the error. */
export function statusOf(error: unknown): number {
  return error instanceof SessionError ? error.status : 500
}

/** Stands for the check of a password, a passkey or another site's answer. @returns who it is. */
export function checkUser(name: unknown): string | undefined {
  return USERS.find((user) => user === name)
}

/** Counts, however many requests do at the same time. */
export function click(session: Session<Values>): Promise<number | undefined> {
  return session.update('clicks', (clicks = 0) => clicks + 1)
}

/** The one page of the programs. */
export function toPage(framework: string, session: Session<Values>): string {
  const { userId } = session
  const signIn = USERS.map((user) => button(`/sign-in?user=${user}`, `I am ${user}`))
  const forms = userId === undefined ? signIn : [button('/click', 'Click'), button('/sign-out', 'Sign out')]
  return `<!doctype html>
<title>${framework}</title>
<p>Hello ${userId ?? 'stranger'}, this is ${framework}. Clicks: ${session.get('clicks') ?? 0}.
${forms.join('\n')}
`
}

function button(action: string, text: string): string {
  return `<form method="post" action="${action}"><button>${text}</button></form>`
}

/** Says where a program listens. */
export function announce(actualPort: number): void {
  console.log(`http://localhost:${actualPort}`)
}
