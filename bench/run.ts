/**
 * Measures what a session costs, side by side in one run: `npm run bench -- [options] [seconds] [rounds]`.
 *
 * Every server is checked to answer right before it is timed. The servers are interleaved, round by round, and each
 * figure is the median of its rounds. Absolute figures are the machine's; the ratios are what counts.
 */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../test/servers/postgres.ts'
import { type Database, measure, type Sample } from './measure.ts'
import { tableOf } from './report.ts'
import { SUBJECTS, WORKS } from './subjects.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    frameworks: { type: 'string' },
    sessions: { type: 'string' },
    works: { type: 'string' },
  },
})
const [seconds = 3, rounds = 3] = positionals.map(Number)

async function main(): Promise<void> {
  const server = await startPostgres(18, { isDurable: true })
  try {
    const client = new pg.Client({ connectionString: server.url })
    client.on('error', () => {}) // the server stops while it is connected, where a measurement failed
    await client.connect()
    await describeMachine(client)
    await measureAll({ url: server.url, client })
    await client.end()
  } finally {
    await server.stop()
  }
}

async function describeMachine(client: pg.Client): Promise<void> {
  const node = execFileSync(process.env.BENCH_NODE ?? process.execPath, ['--version'], { encoding: 'utf8' })
  const { rows } = await client.query('show server_version')
  const [cpu] = cpus()
  console.log(`Node ${node.trim()}, PostgreSQL ${rows[0].server_version}, ${cpus().length} × ${cpu?.model}`)
  console.log(`${new Date().toISOString().slice(0, 10)}, ${rounds} rounds of ${seconds} s\n`)
}

async function measureAll(database: Database): Promise<void> {
  const works = chosen(WORKS, (it) => it.name, options.works)
  const frameworks = chosen(SUBJECTS, (it) => it.framework, options.frameworks)
  const measured = chosen(frameworks, (it) => it.sessions, options.sessions).flatMap((subject) =>
    works
      .filter(({ leavesOut }) => !leavesOut.includes(subject.sessions))
      .map((work) => ({ subject, work, samples: [] as Sample[] })),
  )
  for (let round = 1; round <= rounds; round++) {
    for (const subject of new Set(measured.map((it) => it.subject))) {
      const of = measured.filter((it) => it.subject === subject)
      console.error(`round ${round} of ${rounds}: ${subject.framework}, ${subject.sessions}`)
      const taken = await measure(
        subject,
        of.map(({ work }) => work),
        seconds,
        database,
      )
      for (const { work, samples } of of) samples.push(...[taken.get(work)].filter((it) => it !== undefined))
    }
  }
  for (const work of works) console.log(tableOf(work, measured))
}

/** @param names Comma-separated; `undefined`: all. */
function chosen<T>(all: readonly T[], nameOf: (one: T) => string, names: string | undefined): readonly T[] {
  if (names === undefined) return all
  const wanted = new Set(names.split(','))
  const known = new Set(all.map(nameOf))
  for (const name of wanted) {
    if (!known.has(name)) throw new Error(`there is no "${name}", only ${[...known].join(', ')}`)
  }
  return all.filter((one) => wanted.has(nameOf(one)))
}

await main()
