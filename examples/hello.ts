import { generateKey, type Session, SessionManager } from 'coatcheck'
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

/**
 * Makes the manager, the same for every framework. With `DATABASE_URL` and one `AUTH_KEY`, who is signed in to
 * one of the programs is signed in to all.
 */
export async function createManager(): Promise<SessionManager<Values>> {
  const { DATABASE_URL, AUTH_KEY = generateKey() } = process.env
  if (DATABASE_URL === undefined)
    return new SessionManager<Values>({ store: new MemoryStore(), authKey: AUTH_KEY })
  const store = new PostgresStore({ db: new pg.Pool({ connectionString: DATABASE_URL }) })
  await store.migrate()
  return new SessionManager<Values>({ store, authKey: AUTH_KEY })
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
