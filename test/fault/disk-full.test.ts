import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import { type DiskKind, LIMIT, listDiskKinds } from '../servers/disk.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { report } from './counts.ts'
import { aPool, expectUnharmed, setStage } from './stage.ts'

const READS = 50
/** What the server says of a file that cannot grow: disk_full, or an internal error where a limit is the reason. */
const REFUSALS: Readonly<Record<DiskKind, string>> = { mounted: '53100', limited: 'XX000' }

const kinds = await listDiskKinds()

// One is enough for every day.
describe.each(scale > 1 ? kinds : kinds.slice(0, 1))('a disk that is full, %s', (kind) => {
  it(
    'answers 503 to writes while reads go on, loses nothing, and takes writes again once there is room',
    async () => {
      const server = await aServer(kind)
      const { application, load } = await setStage(server.url)
      const administrator = aPool(server.url)
      // A file that is as large as the limit lets one be.
      await addRows(administrator, LIMIT / 1000)
      const reader = new Browser(application.port)
      await reader.ask('/sign-in?to=reader')
      reader.close()
      for (let round = 0; round < scale; round++) {
        await load.answered(200)
        await server.disk.fill()
        const endBackup = await keepOldVersions(server.url)
        await load.refused(40)
        await expect(addRows(administrator, 100)).rejects.toMatchObject({ code: REFUSALS[kind] })
        await readManyTimes(reader.copy())
        await Promise.all([load.refused(40), load.plainAnswered(50)])
        await server.disk.makeRoom()
        await endBackup()
        await load.answered(300)
      }
      const counts = await load.stop(administrator)
      report(`disk full, times ${scale}, ${kind}`, counts, {
        'reads of one that were answered then': READS * scale,
      })
      expectUnharmed(counts)
    },
    120_000 * scale,
  )
})

async function aServer(disk: DiskKind): Promise<PostgresServer> {
  const server = await startPostgres(18, { disk })
  onTestFinished(() => server.stop())
  return server
}

async function readManyTimes(reader: Browser): Promise<void> {
  onTestFinished(() => reader.close())
  for (let count = 0; count < READS; count++) {
    const { status, body } = await reader.ask('/')
    expect({ status, body }).toMatchObject({ status: 200, body: expect.stringContaining('"reader"') })
  }
}

/**
 * Reads as a backup does: what is replaced meanwhile is kept for it, so that its room is not used again.
 *
 * @returns what ends it.
 */
async function keepOldVersions(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  onTestFinished(() => client.end())
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select from sessions limit 1')
  return async () => void (await client.query('rollback'))
}

/** Adds sessions of nobody, seven of which fill a page. */
async function addRows(db: pg.Pool, count: number): Promise<void> {
  await db.query(
    `insert into sessions (id, values, expires_at, renewed_at, last_seen_at, absolute_end, idle_timeout)
     select gen_random_uuid()::text, jsonb_build_object('text', repeat('x', 1000)), now() + interval '1 day', now(), now(),
       now() + interval '1 day', 3600
     from generate_series(1, $1)`,
    [Math.ceil(count)],
  )
}
