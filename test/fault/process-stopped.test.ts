import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import { createDatabase, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { print, report } from './counts.ts'
import { Load } from './load.ts'
import { aPool, slowDown } from './stage.ts'

const READERS = 20
/** Milliseconds that the process may take to end. Far more than it needs, far less than an operator's patience. */
const PATIENCE = 15_000

describe('a process that is told to stop by SIGTERM, under load', () => {
  let server: PostgresServer

  beforeAll(async () => {
    server = await startPostgres(18)
  })

  afterAll(() => server.stop())

  /** A process that serves a database of its own. */
  async function aProcess() {
    const url = await createDatabase(server.url)
    const administrator = aPool(url)
    await new PostgresStore({ db: administrator }).migrate()
    return { administrator, program: await startProgram(url) }
  }

  it(
    'answers what it has taken, ends by itself with code 0, and loses no write that it acknowledged',
    async () => {
      for (let round = 0; round < scale; round++) {
        const { administrator, program } = await aProcess()
        await slowDown(administrator)
        const load = new Load(program.port)
        await load.answered(300)
        const end = await program.stop()
        const counts = await load.stop(administrator)
        report('told to stop', counts, {
          'taken by the process': end.taken,
          'answered by it': end.answered,
          'ms until its end': Math.round(end.milliseconds),
        })
        expectOrderly(end)
        expect({ lost: counts.lost, half: counts.half }).toEqual({ lost: [], half: [] })
        // It refuses connections from then on, and closes those that nobody is using.
        expect(counts.strange.filter((it) => !it.includes('no answer'))).toEqual([])
      }
    },
    120_000 * scale,
  )

  it('loses no touch that began before its end, although no answer waits for one', async () => {
    const { administrator, program } = await aProcess()
    const readers = Array.from({ length: READERS }, () => new Browser(program.port))
    onTestFinished(() => {
      for (const reader of readers) reader.close()
    })
    await Promise.all(readers.map((reader, at) => reader.ask(`/sign-in?to=reader${at}`)))
    await slowDown(administrator, 0.3)
    const readAll = () => Promise.all(readers.map((reader) => reader.ask('/')))
    await readAll()
    // What is asked for now waits in the store for the touches before it.
    await readAll()
    const lastUse = Date.now()
    await readAll()
    const end = await program.stop()
    const { rows } = await administrator.query(
      "select from sessions where date_part('epoch', last_seen_at) * 1000 >= $1",
      [lastUse],
    )
    print('told to stop', [`${READERS} touches under way`, `${READERS - rows.length} lost`])
    expectOrderly(end)
    expect(rows).toHaveLength(READERS)
  })
})

function expectOrderly(end: End): void {
  expect(end).toMatchObject({ code: 0, signal: null, taken: end.answered })
  expect(end.milliseconds).toBeLessThan(PATIENCE)
}

/** How the process ended. */
interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly milliseconds: number
  /** Requests that it took, and that it answered. */
  readonly taken: number
  readonly answered: number
}

async function startProgram(url: string) {
  const file = path.join(import.meta.dirname, 'stopped-program.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', file, url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const output = createInterface(child.stdout).on('line', (line) => void lines.push(line))
  await once(output, 'line')
  return {
    port: Number(lines[0]),
    async stop(): Promise<End> {
      const began = performance.now()
      const ended = once(child, 'close')
      child.kill('SIGTERM')
      const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null]
      const milliseconds = performance.now() - began
      const told = JSON.parse(lines[1] ?? '{}') as Pick<End, 'taken' | 'answered'> // as it prints them
      return { code, signal, milliseconds, ...told }
    },
  }
}
