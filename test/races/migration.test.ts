import { setTimeout as sleep } from 'node:timers/promises'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { aRecord } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { FIRST_TABLE, OlderServer } from './older-version.ts'
import { type RemoteStore, startStore } from './remote-store.ts'

const ROUNDS = scale > 1 ? 1000 : 12

describe.each([14, 18] as const)(
  'PostgresStore.migrate while an older version serves, on PostgreSQL %i',
  { timeout: 60_000 * scale },
  (major) => {
    let pool: pg.Pool
    let migrating: readonly [RemoteStore, RemoteStore]

    beforeAll(async () => {
      const connectionString = await createDatabase(inject('postgres')[major])
      pool = new pg.Pool({ connectionString, max: 20 })
      migrating = await Promise.all([startStore(connectionString), startStore(connectionString)])
    })

    afterAll(async () => {
      await Promise.all(migrating.map((store) => store.stop()))
      await pool.end()
    })

    /** Waits until each has answered twice more. */
    async function untilAnswered(servers: readonly OlderServer[]): Promise<void> {
      const before = servers.map(({ answers }) => answers)
      const isDone = () => servers.every(({ answers }, n) => answers >= (before[n] ?? 0) + 2)
      const running = Promise.race(servers.map((server) => server.running))
      while (!isDone()) await Promise.race([sleep(1), running])
    }

    it('fails no request of either, and loses no session, no value and no end of one', async () => {
      const store = new PostgresStore({ db: pool })
      let answers = 0
      let kept = 0
      for (let round = 0; round < ROUNDS; round += 1) {
        await pool.query(`drop table if exists sessions; ${FIRST_TABLE}`)
        const servers = Array.from({ length: 4 }, () => new OlderServer(pool))
        for (const server of servers) server.start()
        await untilAnswered(servers)
        await Promise.all(migrating.map((it) => it.migrate()))
        const record = aRecord({ userId: 'new', expiresAt: Date.now() + 3_600_000 })
        expect(await store.create(record, Date.now())).toBe(true)
        await untilAnswered(servers)
        await Promise.all(servers.map((server) => server.stop()))

        for (const server of servers) {
          for (const [id, { userId, values }] of server.kept) {
            const found = await store.get(id, Date.now())
            expect(found).toMatchObject({ id, userId, secretHash: '' })
            expect(JSON.parse(found?.values ?? '')).toEqual(values)
          }
          for (const id of server.ended) expect(await store.get(id, Date.now())).toBeUndefined()
          answers += server.answers
          kept += server.kept.size
        }
        const users = ['user0', 'user1', 'user2', 'user3', 'user4']
        const listed = await Promise.all(users.map((userId) => store.listByUser(userId, Date.now())))
        expect(listed.flat().length).toBe(servers.reduce((sum, server) => sum + server.kept.size, 0))
        expect(await store.deleteByUser('user1')).toHaveLength(listed[1]?.length ?? 0)
      }
      console.log(
        `${ROUNDS} migrations under traffic: 0 of ${answers} requests failed, 0 of ${kept} sessions lost`,
      )
    })
  },
)
