import { RedisStore } from 'coatcheck/stores/redis'
import { expect, onTestFinished } from 'vitest'
import { type ClientLibrary, libraries, type Topology } from '../servers/redis-clients.ts'
import { readReplication } from '../servers/redis-group.ts'
import type { RedisNode } from '../servers/redis-node.ts'
import { type Application, STORE_TIMEOUT, startApplication } from './application.ts'
import { type Counts, report } from './counts.ts'
import { Load, type Row } from './load.ts'
import { Revocations } from './revocations.ts'
import { watchRejections } from './stage.ts'

/** An application over one of the client libraries, and people who use it. */
export interface RedisStage {
  readonly name: string
  /** What its keys begin with. */
  readonly prefix: string
  readonly store: RedisStore
  readonly application: Application
  readonly load: Load
  readonly revocations: Revocations
}

/** Waits for that many more requests of a stage that are answered 200. */
export const answered =
  (count: number) =>
  ({ load }: RedisStage): Promise<void> =>
    load.answered(count)

/** How stages differ from the usual. */
export interface RedisStageOptions {
  /** Seconds that the store may take. Where nothing is to be noticed, more than a busy machine may need. */
  readonly timeout?: number
  /** Who uses each. */
  readonly people?: number
  /** One stage for each. (default: all, as they are by themselves) */
  readonly clients?: readonly ClientLibrary[]
}

/** Seconds that one operation of the store may take. */
export const TIMEOUT = 1.5

let stages = 0

/** Starts an application over each library, all at once, so that one fault is met by all. Closed when the test is over. */
export async function setRedisStages(
  topology: Topology,
  ports: readonly number[],
  options: RedisStageOptions = {},
): Promise<readonly RedisStage[]> {
  const rejections = watchRejections()
  onTestFinished(() => expect(rejections).toEqual([]))
  const { clients = libraries } = options
  return Promise.all(clients.map((library) => setOne(library, topology, ports, options)))
}

async function setOne(
  library: ClientLibrary,
  topology: Topology,
  ports: readonly number[],
  { timeout = TIMEOUT, people = 8 }: RedisStageOptions,
): Promise<RedisStage> {
  const { client, close } = await library.connect(topology, ports)
  stages += 1
  const prefix = `stage${stages}:`
  const store = new RedisStore({ client, prefix, timeout })
  const storeTimeout = Math.max(STORE_TIMEOUT, timeout)
  const application = await startApplication(store, { storeTimeout })
  const load = new Load(application.port, { people })
  const revocations = new Revocations(application)
  onTestFinished(async () => {
    await Promise.all([load.end(), revocations.end()])
    await application.close()
    await close()
  })
  return { name: library.name, prefix, store, application, load, revocations }
}

/** Does the same for all. */
export async function atAll(
  all: readonly RedisStage[],
  work: (stage: RedisStage) => Promise<unknown>,
): Promise<void> {
  await Promise.all(all.map(work))
}

/** Kills a server under load, and starts it again. */
export async function killAndStart(stages: readonly RedisStage[], node: RedisNode): Promise<void> {
  await atAll(stages, answered(60))
  await node.kill()
  await atAll(stages, ({ load }) => Promise.all([load.refused(4), load.plainAnswered(10)]))
  await node.start()
  await atAll(stages, answered(60))
}

/** Makes a server silent under load, and lets it go on. */
export async function freezeAndThaw(stages: readonly RedisStage[], node: RedisNode): Promise<void> {
  await atAll(stages, answered(60))
  node.freeze()
  await atAll(stages, ({ load }) => Promise.all([load.refused(12), load.plainAnswered(10)]))
  node.thaw()
  await atAll(stages, answered(60))
}

/** What became of a stage. */
export interface RedisCounts extends Counts {
  /** Acknowledged ends of a session that were undone: sign-outs, and devices that a revocation had signed out. */
  readonly endsUndone: number
  /** Answered 409: what was written to had gone meanwhile. */
  readonly conflicts: number
  /** People who were taken for somebody else. */
  readonly mistaken: readonly string[]
}

/** Ends the load of all, and prints what became of each. */
export async function countAll(
  what: string,
  all: readonly RedisStage[],
  nodes: readonly RedisNode[],
): Promise<readonly RedisCounts[]> {
  await atAll(all, ({ load, revocations }) => Promise.all([load.end(), revocations.end()]))
  return Promise.all(all.map((stage) => countOne(what, stage, nodes)))
}

async function countOne(
  what: string,
  { name, prefix, load, revocations }: RedisStage,
  nodes: readonly RedisNode[],
): Promise<RedisCounts> {
  const cameBack = await revocations.countCameBack()
  const told = await load.stop(() => readRows(nodes, prefix))
  // A client may send what it had in its queue after the store has given it up, and after others that came later.
  const isLateEnd = (it: string) =>
    /: (the session|.* was taken for nobody)$/.test(it) && load.unsureEnds.has(it.slice(0, it.indexOf(':')))
  const counts = { ...told, lost: told.lost.filter((it) => !isLateEnd(it)) }
  const isConflict = (it: string) => it.includes(': 409 ')
  const endsUndone = counts.lost.filter((it) => it.endsWith(': the sign-out')).length + cameBack
  const result = {
    ...counts,
    strange: counts.strange.filter((it) => !isConflict(it)),
    conflicts: counts.strange.filter(isConflict).length,
    mistaken: counts.lost.filter((it) => / was taken for (?!nobody$)/.test(it)),
    endsUndone,
  }
  report(`${what}, ${name}`, counts, {
    revocations: revocations.acknowledged,
    'revocations refused': revocations.refused,
    'acknowledged ends undone': endsUndone,
  })
  return result
}

/** Every request was answered by 200 or 503 in time, and nothing is half there, whatever a replica had not got yet. */
export function expectOrderly({ strange, half, mistaken, slowest }: RedisCounts): void {
  expect({ strange, half, mistaken }).toEqual({ strange: [], half: [], mistaken: [] })
  // Loading and committing may each take the whole of it, and this machine may be busy.
  expect(slowest).toBeLessThan(2 * STORE_TIMEOUT * 1000 + 8000)
}

/** And nothing acknowledged was lost. */
export function expectNothingLost(counts: RedisCounts): void {
  expectOrderly(counts)
  const { lost, endsUndone, conflicts } = counts
  expect({ lost, endsUndone, conflicts }).toEqual({ lost: [], endsUndone: 0, conflicts: 0 })
}

/**
 * Next to nothing was lost: what a primary had acknowledged and not yet sent to its replica when it died, which the
 * guide tells of.
 */
export function expectLittleLost(counts: RedisCounts): void {
  expectOrderly(counts)
  const { lost, endsUndone, conflicts, answered } = counts
  expect(lost.length + endsUndone + conflicts).toBeLessThan(5 + answered / 50)
}

/** Reads the records of a store from the servers themselves. */
async function readRows(nodes: readonly RedisNode[], prefix: string): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const node of nodes) {
    if (!node.isRunning || (await readReplication(node)).role !== 'primary') continue
    const keys = (await node.command('keys', `${prefix}{*}`)) as string[] // the command's own format
    for (const key of keys)
      rows.push(toRow(key.slice(prefix.length + 1, -1), await node.command('hgetall', key)))
  }
  return rows
}

function toRow(id: string, reply: unknown): Row {
  const fields = Object.entries(reply as Record<string, string>) // ioredis makes one of it
  const values = fields.flatMap(([field, text]) =>
    field.startsWith('"') ? [[JSON.parse(field) as string, JSON.parse(text) as unknown] as const] : [],
  )
  return { id, user_id: new Map(fields).get('u') ?? '', values: Object.fromEntries(values) }
}
