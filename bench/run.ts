/**
 * Measures what a session costs, side by side in one run: `npm run bench -- [options] [seconds] [rounds]`.
 *
 * Every server is checked to answer right before it is timed. The servers are interleaved, round by round, and each
 * figure is the median of its rounds. Absolute figures are the machine's; the ratios are what counts.
 */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { installNode, type NodeName, VERSIONS } from '../test/servers/runtimes.ts'
import type { Database } from './database.ts'
import { measure, type Sample } from './measure.ts'
import { startPostgresDatabase } from './postgres.ts'
import { startRedisDatabase } from './redis.ts'
import { tableOf } from './report.ts'
import { STORES, SUBJECTS, type Subject, WORKS } from './subjects.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stores: { type: 'string' },
    frameworks: { type: 'string' },
    sessions: { type: 'string' },
    works: { type: 'string' },
    node: { type: 'string' },
  },
})
const [seconds = 3, rounds = 3] = positionals.map(Number)

const START = { postgres: startPostgresDatabase, redis: startRedisDatabase }

async function main(): Promise<void> {
  const stores = chosen(STORES, (it) => it, options.stores)
  const frameworks = chosen(SUBJECTS, (it) => it.framework, options.frameworks)
  const subjects = chosen(frameworks, (it) => it.sessions, options.sessions)
  const node = await findNode(options.node)
  describeMachine(node)
  for (const store of stores) {
    const database = await START[store]()
    try {
      await measureAll(
        subjects.filter((it) => it.store === store),
        database,
        node,
      )
    } finally {
      await database.stop()
    }
  }
}

/** @param major Of a Node that the tests run on; `undefined`: the one that runs this. */
async function findNode(major: string | undefined): Promise<string> {
  if (major === undefined) return process.execPath
  const names = Object.keys(VERSIONS).filter((name): name is NodeName => name.startsWith('Node '))
  const [name] = chosen(names, (it) => it.replace('Node ', ''), major)
  return name === undefined ? process.execPath : installNode(name)
}

function describeMachine(node: string): void {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' })
  const [cpu] = cpus()
  console.log(`Node ${version.trim()}, ${cpus().length} × ${cpu?.model}`)
  console.log(`${new Date().toISOString().slice(0, 10)}, ${rounds} rounds of ${seconds} s\n`)
}

async function measureAll(subjects: readonly Subject[], database: Database, node: string): Promise<void> {
  const works = chosen(WORKS, (it) => it.name, options.works)
  const measured = subjects.flatMap((subject) =>
    works
      .filter(({ leavesOut }) => !leavesOut.includes(subject.sessions))
      .map((work) => ({ subject, work, samples: [] as Sample[] })),
  )
  for (let round = 1; round <= rounds; round++) {
    for (const subject of new Set(measured.map((it) => it.subject))) {
      const of = measured.filter((it) => it.subject === subject)
      console.error(
        `${database.title}, round ${round} of ${rounds}: ${subject.framework}, ${subject.sessions}`,
      )
      const taken = await measure(
        subject,
        of.map(({ work }) => work),
        { database, node, seconds },
      )
      for (const { work, samples } of of) samples.push(...[taken.get(work)].filter((it) => it !== undefined))
    }
  }
  for (const work of works) {
    const rows = measured.filter((it) => it.work === work)
    console.log(tableOf(`${database.title}: ${work.title}`, rows))
  }
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
