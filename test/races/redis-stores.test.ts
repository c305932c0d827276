import type { SessionListing } from 'coatcheck'
import { aChange, aRecord, aSecretHash, NOW, storeRaces } from 'coatcheck/testing'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { atOnce, inRounds } from '../../src/testing/race-rounds.ts'
import { type RedisCluster, startCluster } from '../servers/redis-cluster.ts'
import { readReplication } from '../servers/redis-group.ts'
import type { RedisProgram } from '../servers/redis-node.ts'
import { scale } from '../servers/scale.ts'
import { type RemoteStore, startClusterStore } from './remote-store.ts'

// Every race runs as it is; this only counts its rounds.
vi.mock(import('../../src/testing/race-rounds.ts'), { spy: true })

/** Rounds of each race, at least. Some races have no more than ten in one run. */
const ROUNDS = scale > 1 ? 1000 : 10
/** On Valkey where there is time for it. */
const PROGRAMS: readonly RedisProgram[] = scale > 1 ? ['redis', 'valkey'] : ['redis']
const NOBODY = { address: undefined, userAgent: undefined }
const REVOCATIONS = 300 * scale
const LISTS = 60 * scale
const THEN = NOW + 60_000

const idsOf = (listings: readonly SessionListing[]) => listings.map(({ id }) => id)

describe.each(PROGRAMS)('RedisStore in two processes, on a Cluster of %s', (program) => {
  let cluster: RedisCluster
  let stores: readonly [RemoteStore, RemoteStore]
  let client: Cluster

  beforeAll(async () => {
    // Nothing dies here, and a busy machine is not to look like it.
    cluster = await startCluster({ program, deadAfter: 30_000 })
    const ports = cluster.nodes.map(({ port }) => port)
    client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
    // One process with each of the two families of clients.
    stores = await Promise.all([
      startClusterStore('node-redis 6', ports, 'a{race}:'),
      startClusterStore('ioredis 6', ports, 'a{race}:'),
    ])
  })

  afterAll(async () => {
    await Promise.all(stores?.map((store) => store.stop()) ?? [])
    client?.disconnect()
    await cluster?.stop()
  })

  beforeEach(() => {
    vi.mocked(inRounds).mockClear()
  })

  async function flush(): Promise<void> {
    for (const node of cluster.nodes)
      if ((await readReplication(node)).role === 'primary') await node.command('flushall')
  }

  it.each(storeRaces)('$name', { timeout: 1_800_000 }, async ({ name, run }) => {
    let rounds = 0
    while (rounds < ROUNDS) {
      await flush()
      await run(...stores)
      const calls = vi.mocked(inRounds).mock.calls
      rounds = calls.reduce((sum, [count]) => sum + count, 0)
      expect(rounds).toBeGreaterThan(0)
    }
    console.log(`${rounds} rounds in two processes, ${name}`)
  })

  it('lets no sign-in that was acknowledged before it escape a revocation, beside sign-ins and renewals', {
    timeout: 1_800_000,
  }, async () => {
    const [a, b] = stores
    const signIn = { userId: '', signedInAt: NOW, idleTimeout: 3600, persistent: false, ...NOBODY }
    let renewed = 0
    let late = 0
    await inRounds(REVOCATIONS, async (round) => {
      const userId = `eve{${round}}` // braces: no hash tag of its own
      const [created, renewing, anonymous] = [aRecord({ userId }), aRecord({ userId }), aRecord()]
      await Promise.all([a.create(created, NOW), b.create(renewing, NOW), b.create(anonymous, NOW)])
      const renewal = { secretHash: aSecretHash(2), renewedAt: NOW }
      const { absoluteEnd } = anonymous
      // Signed in before the call, on the record of somebody who was anonymous.
      const change = aChange({ renewal: { ...renewal, signIn: { ...signIn, userId, absoluteEnd } } })
      expect((await a.save(anonymous.id, change, NOW)).outcome).toBe('saved')
      const beside = aRecord({ userId })
      const [deleted, saved] = await atOnce(round, [
        () => a.deleteByUser(userId),
        () => b.save(renewing.id, aChange({ renewal }), NOW),
        () => b.create(beside, NOW),
      ])
      for (const { id } of [created, renewing, anonymous]) {
        expect(deleted).toContain(id)
        expect([await a.get(id, NOW), await b.get(id, NOW)]).toEqual([undefined, undefined])
      }
      if (saved.outcome === 'saved') renewed += 1
      // The sign-in beside it is over or listed.
      const listed = (await b.listByUser(userId, NOW)).map(({ id }) => id)
      expect(listed).toEqual((await a.get(beside.id, NOW)) === undefined ? [] : [beside.id])
      late += listed.length
    })
    console.log(
      `0 of ${REVOCATIONS * 3} sessions escaped a revocation; ${renewed} renewals came before it, ${late} sign-ins after it`,
    )
  })

  it('lists every session that lives through the call and none that ended before it, beside all else', {
    timeout: 1_800_000,
  }, async () => {
    const [a, b] = stores
    await flush()
    let sometimes = 0
    await inRounds(LISTS, async (round) => {
      const userId = `liz{${round}}`
      const make = (overrides = {}) => aRecord({ userId, ...overrides })
      const [kept, touched, renewed, ending, ended, freed] = [make(), make(), make(), make(), make(), make()]
      const [expired, beside, anonymous] = [make({ expiresAt: THEN }), make(), aRecord()]
      const all = [kept, touched, renewed, ending, ended, freed, expired, anonymous]
      await Promise.all(all.map((record, i) => (i % 2 ? a : b).create(record, NOW)))
      await a.delete(ended.id)
      await client.del(`a%7Brace%7D:{${freed.id}}`) // as the server does, after its time

      const renewal = { secretHash: aSecretHash(2), renewedAt: THEN }
      const signIn = { userId, signedInAt: THEN, idleTimeout: 3600, persistent: false, ...NOBODY }
      const { absoluteEnd, secretHash, expiresAt } = kept
      const results = await atOnce(round, [
        () => a.listByUser(userId, THEN),
        () => b.create(beside, THEN),
        () => b.listByUser(userId, THEN),
        () =>
          a.save(
            anonymous.id,
            aChange({ renewal: { ...renewal, signIn: { ...signIn, absoluteEnd } } }),
            THEN,
          ),
        () => a.listByUser(userId, THEN),
        () => a.touch(touched.id, { secretHash, lastSeenAt: THEN, expiresAt }, THEN),
        () => b.save(renewed.id, aChange({ renewal }), THEN),
        () => b.delete(ending.id),
        () => a.cleanup(THEN, 100),
      ])
      for (const listed of [results[0], results[2], results[4]].map(idsOf)) {
        expect(listed).toEqual(expect.arrayContaining([kept, touched, renewed].map(({ id }) => id)))
        for (const { id } of [ended, freed, expired]) expect(listed).not.toContain(id)
        sometimes += listed.length - 3
      }
      const left = [kept, touched, renewed, beside, anonymous].map(({ id }) => id).sort()
      expect(idsOf(await b.listByUser(userId, THEN)).sort()).toEqual(left)

      const others = await atOnce(round, [
        () => a.listByUser(userId, THEN),
        () => b.deleteByUser(userId, { except: kept.id }),
        () => b.listByUser(userId, THEN),
      ])
      for (const listed of [others[0], others[2]].map(idsOf)) expect(listed).toContain(kept.id)
      expect(idsOf(await a.listByUser(userId, THEN))).toEqual([kept.id])
    })
    console.log(`${LISTS * 7} lists right; ${sometimes} sessions that began or ended beside one were named`)
  })
})
