import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { newSeed, type Random, randomFrom } from '../hostile/random.ts'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { BrowserLane } from './browser-lane.ts'
import type { Sample } from './soak-server.ts'

const REQUESTS = scale === 1 ? 12_000 : 1_000_000
const BROWSERS = 48
const SAMPLES = scale === 1 ? 6 : 20
const USERS = 12

/** What a browser does next: mostly it reads. */
function nextPath(random: Random): string {
  const user = `user-${random.below(USERS)}`
  const at = random.below(100)
  if (at < 52) return 'read'
  if (at < 70) return `write/${at}`
  if (at < 78) return 'update'
  if (at < 90) return `sign-in/${user}`
  if (at < 93) return 'sign-out'
  if (at < 96) return 'renew'
  if (at < 98) return 'list'
  return at === 98 ? 'revoke' : `revoke-all/${user}`
}

/** 409 is for a write to a session that another browser's revocation has ended. */
const FITTING: ReadonlySet<number> = new Set([200, 409])

/** By least squares: how many bytes are added for each request. */
function slopeOf(points: readonly number[], step: number): number {
  const middle = (points.length - 1) / 2
  const mean = points.reduce((a, b) => a + b, 0) / points.length
  const above = points.reduce((sum, y, x) => sum + (x - middle) * (y - mean), 0)
  return above / points.reduce((sum, _y, x) => sum + (x - middle) ** 2, 0) / step
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1)

describe('a server under mixed requests', () => {
  let child: ChildProcessWithoutNullStreams
  let lines: AsyncIterator<string>
  let reader: Interface
  let port: number

  const nextLine = async <T>(): Promise<T> => JSON.parse(String((await lines.next()).value)) as T // our own program's

  beforeAll(async () => {
    const url = await createDatabase(inject('postgres')[18])
    const program = path.join(import.meta.dirname, 'soak-server.ts')
    const options = ['--expose-gc', '--disable-warning=ExperimentalWarning', '--import', 'tsx', program, url]
    child = spawn(process.execPath, options)
    child.stderr.pipe(process.stderr)
    reader = createInterface(child.stdout)
    lines = reader[Symbol.asyncIterator]()
    port = await nextLine<number>()
  })

  afterAll(async () => {
    if (child.exitCode !== null) return
    child.stdin.end()
    await once(child, 'exit')
  })

  async function sample(): Promise<Sample> {
    child.stdin.write('sample\n')
    return await nextLine<Sample>()
  }

  it(`keeps nothing of ${REQUESTS} of them: flat memory, no session, promise, timer or listener left`, async () => {
    const seed = newSeed()
    const lanes = await Promise.all(Array.from({ length: BROWSERS }, () => BrowserLane.open(port)))
    const randoms = lanes.map((_, lane) => randomFrom(seed + lane))
    const samples: Sample[] = []
    const statuses = new Map<number, number>()
    const perSample = REQUESTS / SAMPLES

    const browse = async (lane: BrowserLane, random: Random) => {
      for (let sent = 0; sent < perSample / BROWSERS; sent++) {
        const path = nextPath(random)
        const { status, body } = await lane.get(path)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (!FITTING.has(status)) throw new Error(`HOSTILE_SEED=${seed}: ${status} to /${path}: ${body}`)
      }
    }
    const startedAt = performance.now()
    for (let round = 0; round < SAMPLES; round++) {
      await Promise.all(lanes.map((lane, at) => browse(lane, randoms[at] ?? randomFrom(seed))))
      const taken = await sample()
      samples.push(taken)
      if (scale > 1)
        console.log(
          `${(round + 1) * perSample} requests: heap ${mib(taken.heapUsed)}, rss ${mib(taken.rss)} MiB`,
        )
    }
    const seconds = (performance.now() - startedAt) / 1000
    for (const lane of lanes) lane.close()

    const settled = samples.slice(SAMPLES / 4) // caches and compiled code have come by then
    const [first, last] = [settled[0], settled.at(-1)]
    if (first === undefined || last === undefined) throw new Error('no samples')
    const heap = settled.map(({ heapUsed }) => heapUsed)
    const rss = settled.map(({ rss }) => rss)
    const requests = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')
    console.log(
      `soak: ${requests} in ${seconds.toFixed(0)} s (${(REQUESTS / seconds).toFixed(0)} a second)\n` +
        `heap after gc: ${mib(first.heapUsed)} to ${mib(last.heapUsed)} MiB, ${slopeOf(heap, perSample).toFixed(2)} bytes a request\n` +
        `rss: ${mib(first.rss)} to ${mib(last.rss)} MiB, ${slopeOf(rss, perSample).toFixed(2)} bytes a request\n` +
        `sessions ${last.sessions}, drafts ${last.drafts}, promises ${first.promises} to ${last.promises}, ` +
        `timers ${last.timers}, listeners ${first.listeners} to ${last.listeners}, connections ${last.connections}`,
    )
    expect(samples.flatMap(({ failures }) => failures)).toEqual([])
    for (const each of settled) {
      // The last request of a connection that is kept alive may hold its session.
      expect(each.drafts).toBeLessThanOrEqual(2 * BROWSERS)
      expect(each.sessions).toBeLessThanOrEqual(2 * BROWSERS)
      expect(each.promises).toBeLessThan(first.promises + 40 * BROWSERS)
      expect(each.timers).toBeLessThanOrEqual(40)
      expect(each.listeners).toBeLessThanOrEqual(first.listeners + 5)
    }
    expect(last.heapUsed).toBeLessThan(1.25 * first.heapUsed + 4 * 2 ** 20)
  })
})
