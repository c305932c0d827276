/**
 * Measures what a session costs, side by side in one run: `npm run bench -- [seconds] [rounds]`.
 *
 * Every server is checked to answer right before it is timed. The kinds are interleaved, round by round, and each
 * figure is the median of its rounds. Absolute figures are the machine's; the ratios are what counts.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../test/servers/postgres.ts'

interface Subject {
  readonly framework: 'node' | 'express'
  readonly sessions: string
}

interface Work {
  readonly name: string
  readonly path: string
  readonly connections: number
}

interface Sample {
  readonly perSecond: number
  readonly medianMs: number
  readonly processUs: number
  readonly databaseUs: number
  readonly transactions: number
  readonly logBytes: number
}

const SUBJECTS: readonly Subject[] = [
  ...['none', 'limit', 'coatcheck'].map((sessions) => ({ framework: 'node' as const, sessions })),
  ...['none', 'limit', 'coatcheck', 'express-session tuned', 'express-session'].map((sessions) => ({
    framework: 'express' as const,
    sessions,
  })),
]

const WORKS: readonly Work[] = [
  { name: 'read, 64 connections', path: '/', connections: 64 },
  { name: 'one value changed, 64 connections', path: '/change', connections: 64 },
  { name: 'read, 1 connection', path: '/', connections: 1 },
]

const [seconds = 4, rounds = 3] = process.argv.slice(2).map(Number)
const CLOCK_TICKS = 100
/** Signed-in users whose requests are mixed. */
const USERS = 256

async function main(): Promise<void> {
  const database = await startPostgres(18, { isDurable: true })
  try {
    const client = new pg.Client({ connectionString: database.url })
    client.on('error', () => {}) // the server stops while it is connected, where a measurement failed
    await client.connect()
    for (const work of WORKS) report(work, await measure(work, database.url, client))
    await client.end()
  } finally {
    await database.stop()
  }
}

async function measure(work: Work, url: string, client: pg.Client): Promise<Map<Subject, Sample>> {
  const samples = new Map<Subject, Sample[]>(SUBJECTS.map((subject) => [subject, []]))
  for (let round = 0; round < rounds; round++) {
    for (const subject of SUBJECTS) {
      if (work.path === '/change' && subject.sessions === 'none') continue
      samples.get(subject)?.push(await sampleOf(subject, work, url, client))
    }
  }
  return new Map(
    [...samples].filter(([, taken]) => taken.length > 0).map(([subject, taken]) => [subject, median(taken)]),
  )
}

async function sampleOf(subject: Subject, work: Work, url: string, client: pg.Client): Promise<Sample> {
  const script = new URL('server.mjs', import.meta.url)
  const env = { ...process.env, DATABASE_URL: url, NODE_ENV: 'production' }
  const execPath = process.env.BENCH_NODE ?? process.execPath
  const server = fork(script, [subject.framework, subject.sessions], { env, execPath, execArgv: [] })
  try {
    const base = await baseOf(server)
    const cookies = await Promise.all(Array.from({ length: USERS }, () => signIn(base, subject)))
    await load(base, work, cookies, 1)
    const before = await counters(base, url, client)
    const run = await load(base, work, cookies, seconds)
    const after = await counters(base, url, client)
    const each = (key: keyof typeof before) => (after[key] - before[key]) / run.requests
    return {
      perSecond: run.requests / run.seconds,
      medianMs: run.medianMs,
      processUs: each('processUs'),
      databaseUs: each('databaseUs'),
      transactions: each('transactions'),
      logBytes: each('logBytes'),
    }
  } finally {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
}

async function baseOf(server: ChildProcess): Promise<string> {
  const [message] = await once(server, 'message')
  return `http://127.0.0.1:${(message as { port: number }).port}` // what server.mjs sends
}

/** Signs in, and checks that the session works before it is timed. @returns the Cookie header. */
async function signIn(base: string, { sessions }: Subject): Promise<string> {
  const response = await fetch(`${base}/in`, { method: 'POST' })
  await response.text() // express-session answers the head before it has saved
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const answer = await fetch(`${base}/`, { headers: { cookie } })
  const text = await answer.text()
  if (text !== 'ada') throw new Error(`${sessions} answers "${text}" to a signed-in request`)
  return cookie
}

async function load(base: string, work: Work, cookies: readonly string[], duration: number) {
  const script = new URL('rotate.lua', import.meta.url).pathname
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-bench-'))
  const file = join(folder, 'cookies')
  writeFileSync(file, `${cookies.join('\n')}\n`, { mode: 0o600 })
  const args = [
    '-t1',
    `-c${work.connections}`,
    `-d${duration}s`,
    '--latency',
    '-s',
    script,
    `${base}${work.path}`,
  ]
  const { stdout } = await promisify(execFile)('wrk', args, { env: { ...process.env, COOKIES: file } })
    .catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT'
        ? new Error('no wrk here: sudo apt-get install --yes wrk', { cause })
        : cause
    })
    .finally(() => rmSync(folder, { recursive: true }))
  const failures = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1]
  if (failures !== undefined) throw new Error(`${failures} requests failed`)
  const [, requests, elapsed] = /(\d+) requests in ([\d.]+)s/.exec(stdout) ?? []
  const [, latency, unit] = /50%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? []
  const scale = { us: 0.001, ms: 1, s: 1000 }[unit as 'us' | 'ms' | 's'] // the units in the expression
  return { requests: Number(requests), seconds: Number(elapsed), medianMs: Number(latency) * scale }
}

async function counters(base: string, url: string, client: pg.Client) {
  const cpu = (await (await fetch(`${base}/cpu`)).json()) as NodeJS.CpuUsage // what server.mjs answers
  const sql = `select pg_current_wal_lsn() - '0/0'::pg_lsn as log, sum(xact_commit)::float8 as transactions from pg_stat_database`
  await client.query('select pg_stat_clear_snapshot()')
  const { rows } = await client.query(sql)
  return {
    processUs: cpu.user + cpu.system,
    databaseUs: databaseCpu(new URL(url).port),
    transactions: Number(rows[0].transactions),
    logBytes: Number(rows[0].log),
  }
}

/** CPU of the server on this port and of all its processes, in µs, by Linux's /proc. */
function databaseCpu(port: string): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess)
  const main = processes.find((it) => it?.command.includes(`port=${port}`))
  const all = processes.filter(
    (it) => it !== undefined && main !== undefined && (it.id === main.id || it.parent === main.id),
  )
  return all.reduce((sum, it) => sum + (it?.ticks ?? 0), 0) * (1_000_000 / CLOCK_TICKS)
}

function readProcess(id: string) {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const command = readFileSync(`/proc/${id}/cmdline`, 'utf8')
    return { id, parent: fields[1], command, ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    return undefined // it has ended
  }
}

function median(samples: readonly Sample[]): Sample {
  const middle = (key: keyof Sample) =>
    samples.map((it) => it[key]).sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN
  return {
    perSecond: middle('perSecond'),
    medianMs: middle('medianMs'),
    processUs: middle('processUs'),
    databaseUs: middle('databaseUs'),
    transactions: middle('transactions'),
    logBytes: middle('logBytes'),
  }
}

function report(work: Work, samples: Map<Subject, Sample>): void {
  console.log(`\n### ${work.name}\n`)
  console.log(
    '| server | requests/s | ours ÷ it | p50 ms | CPU µs: process | database | transactions | log bytes |',
  )
  console.log('|---|---|---|---|---|---|---|---|')
  for (const [{ framework, sessions }, it] of samples) {
    const ours = [...samples].find(
      ([other]) => other.framework === framework && other.sessions === 'coatcheck',
    )?.[1]
    const cells = [
      `${framework}, ${sessions}`,
      it.perSecond.toFixed(0),
      ((ours?.perSecond ?? Number.NaN) / it.perSecond).toFixed(2),
      it.medianMs.toFixed(2),
      it.processUs.toFixed(0),
      it.databaseUs.toFixed(0),
      it.transactions.toFixed(2),
      it.logBytes.toFixed(0),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

await main()
