import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Database } from './database.ts'
import { load } from './load.ts'
import type { Subject, Work } from './subjects.ts'

/** What one run showed; all but the first two for each request. */
export interface Sample {
  readonly perSecond: number
  readonly medianMs: number
  readonly processUs: number
  readonly databaseUs: number
  readonly statements: number
  readonly logBytes: number
}

/** What stays the same in one run. */
export interface Setting {
  readonly database: Database
  /** The Node that runs the servers. */
  readonly node: string
  /** How long each load lasts. */
  readonly seconds: number
}

/** Signed-in users whose requests are mixed. */
const USERS = 256
/** So many of them sign in at once. */
const AT_ONCE = 16

/** Starts one server, checks that it answers right, and puts each of these loads on it. */
export async function measure(
  subject: Subject,
  works: readonly Work[],
  setting: Setting,
): Promise<Map<Work, Sample>> {
  const { database, node } = setting
  const script = new URL('server/main.mjs', import.meta.url)
  const env = { ...process.env, DATABASE_URL: database.url, NODE_ENV: 'production' }
  const args = [subject.framework, subject.store, subject.sessions]
  const server = fork(script, args, { env, execPath: node, execArgv: [] })
  try {
    const base = await baseOf(server, subject)
    const cookies: string[] = []
    while (cookies.length < USERS) {
      cookies.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => signIn(base, subject)))))
    }
    await database.fill()
    const samples = new Map<Work, Sample>()
    for (const work of works) samples.set(work, await sampleOf(base, work, cookies, setting))
    return samples
  } finally {
    server.kill('SIGKILL')
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  }
}

async function sampleOf(
  base: string,
  work: Work,
  cookies: readonly string[],
  { seconds, database }: Setting,
): Promise<Sample> {
  await load(base, work, cookies, 1)
  const before = await counters(base, database)
  const run = await load(base, work, cookies, seconds)
  const after = await counters(base, database)
  const each = (key: keyof typeof before) => (after[key] - before[key]) / run.requests
  return {
    perSecond: run.requests / run.seconds,
    medianMs: run.medianMs,
    processUs: each('processUs'),
    databaseUs: each('databaseUs'),
    statements: each('statements'),
    logBytes: each('logBytes'),
  }
}

async function baseOf(server: ChildProcess, { framework, sessions }: Subject): Promise<string> {
  const ended = once(server, 'exit').then(() => {
    throw new Error(`the server of ${framework}, ${sessions} ended before it listened`)
  })
  const [message] = await Promise.race([once(server, 'message'), ended])
  ended.catch(() => undefined) // it ends in the end
  return `http://127.0.0.1:${(message as { port: number }).port}` // what main.mjs sends
}

/** Signs in, and checks that the session works before it is timed. @returns the Cookie header. */
async function signIn(base: string, { sessions }: Subject): Promise<string> {
  const response = await fetch(`${base}/in`, { method: 'POST' })
  const signedIn = await response.text() // express-session answers the head before it has saved
  if (signedIn !== 'in') throw new Error(`${sessions} answers ${response.status} "${signedIn}" to a sign-in`)
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const answer = await fetch(`${base}/`, { headers: { cookie } })
  const text = await answer.text()
  if (text !== 'ada') throw new Error(`${sessions} answers "${text}" to a signed-in request`)
  return cookie
}

async function counters(base: string, database: Database) {
  const server: NodeJS.CpuUsage & { statements: number } = JSON.parse(
    await (await fetch(`${base}/counters`)).text(),
  )
  return {
    processUs: server.user + server.system,
    databaseUs: await database.cpu(),
    statements: server.statements,
    logBytes: await database.logBytes(),
  }
}
