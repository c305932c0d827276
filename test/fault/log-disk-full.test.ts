import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type DiskKind, listDiskKinds } from '../servers/disk.ts'
import { isAnswering, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { report } from './counts.ts'
import type { Load } from './load.ts'
import { aPool, expectUnharmed, setStage } from './stage.ts'

const kinds = await listDiskKinds()

// One is enough for every day.
describe.each(scale > 1 ? kinds : kinds.slice(0, 1))(
  'a disk of the write-ahead log that is full, %s',
  (kind) => {
    it(
      'is a panic of PostgreSQL, of which nothing acknowledged is lost; the application goes on once there is room',
      async () => {
        const server = await aServer(kind)
        const { load } = await setStage(server.url)
        for (let round = 0; round < scale; round++) {
          await load.answered(300)
          await fillUntilItPanics(server, load)
          await Promise.all([load.refused(60), load.plainAnswered(50)])
          await server.logDisk.makeRoom()
          await untilItAnswers(server)
          await load.answered(300)
        }
        const counts = await load.stop(aPool(server.url))
        report(`disk of the log full, times ${scale}, ${kind}`, counts)
        expectUnharmed(counts)
      },
      120_000 * scale,
    )
  },
)

async function aServer(logDisk: DiskKind): Promise<PostgresServer> {
  const server = await startPostgres(18, { logDisk, isDurable: true })
  onTestFinished(async () => {
    await server.kill() // in the middle of a recovery it may not stop
    await server.stop()
  })
  return server
}

/** Fills the disk while those who write wait for a lock, then writes to the log until PostgreSQL panics because it cannot. */
async function fillUntilItPanics({ url, logDisk }: PostgresServer, load: Load): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  await client.query('lock table sessions in share row exclusive mode')
  await load.plainAnswered(30) // until most of them do
  await logDisk.fill()
  const written = client.query(
    "select pg_logical_emit_message(true, 'filler', repeat('x', 1000000)) from generate_series(1, 200)",
  )
  await expect(written).rejects.toThrow()
  await client.end()
}

/** Starts it again if it has ended, as whoever watches over it does: if its recovery cannot write either, it ends. */
async function untilItAnswers(server: PostgresServer): Promise<void> {
  while (!(await isAnswering(server.url))) {
    if (server.hasEnded()) await server.start()
    else await sleep(20)
  }
}
