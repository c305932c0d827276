import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from 'coatcheck'
import { aChange, aRecord, aSecretHash, NOW } from 'coatcheck/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RedisCluster, startCluster } from '../servers/redis-cluster.ts'
import type { RedisNode } from '../servers/redis-node.ts'
import { scale } from '../servers/scale.ts'
import { print } from './counts.ts'
import { aUserOn, type Placed, signInOn, slotOf } from './redis-placed.ts'
import {
  answered,
  atAll,
  countAll,
  expectNothingLost,
  type RedisStage,
  setRedisStages,
  TIMEOUT,
} from './redis-stage.ts'

/** What a busy machine may add. */
const SLACK_MS = 8000

/** Somebody with several devices. */
interface User {
  readonly userId: string
  readonly devices: readonly Placed[]
}

/** Asks over a new connection: the server closes one that was idle for some seconds. */
async function look({ browser }: Placed) {
  const another = browser.copy()
  const answer = await another.ask('/')
  another.close()
  return answer
}

const userOf = async (placed: Placed) => ((await look(placed)).json() as { userId?: string }).userId // written by the application

/** Tries until it is not refused: a client that has just found the node again may lose a connection more. */
async function untilDone(run: () => Promise<unknown>): Promise<void> {
  const isDone = () =>
    run().then(
      () => true,
      () => false,
    )
  while (!(await isDone())) await sleep(50)
}

/** @returns after how many ms it was refused. */
async function refusalOf(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await expect(run()).rejects.toThrow(StoreError)
  return performance.now() - began
}

describe('a Redis Cluster, one node of which is down and not replaced, with every client', {
  timeout: 180_000 * scale,
}, () => {
  let cluster: RedisCluster
  let down: RedisNode
  let up: RedisNode

  beforeAll(async () => {
    cluster = await startCluster({
      settings: {
        'cluster-replica-no-failover': 'yes',
        'cluster-require-full-coverage': 'no',
        appendonly: 'yes',
        appendfsync: 'no', // a write reaches the system before its answer leaves, and the system outlives the node
      },
    })
    down = await cluster.primaryOf(0)
    up = await cluster.primaryOf(16_383)
  })

  afterAll(() => cluster?.stop())

  afterEach(async () => {
    if (!down.isRunning) await down.start()
  })

  const stagesOf = () =>
    setRedisStages(
      'cluster',
      cluster.nodes.map(({ port }) => port),
    )

  async function aUser(stage: RedisStage, index: RedisNode, nodes: readonly RedisNode[]): Promise<User> {
    const userId = await aUserOn(cluster, stage, index)
    const devices = await Promise.all(nodes.map((node) => signInOn(cluster, stage, node, userId)))
    return { userId, devices }
  }

  it('fails a revocation that it cannot end, and ends the whole with the next one when it is back', async () => {
    const stages = await stagesOf()
    const all = await Promise.all(
      stages.map(async (stage) => ({
        stage,
        scattered: await aUser(stage, up, [down, up, down]),
        unlisted: await aUser(stage, down, [up, up]),
        elsewhere: await aUser(stage, up, [up]),
        bystander: await signInOn(cluster, stage, up, 'bystander'),
      })),
    )
    await down.kill()
    await Promise.all(
      all.map(async ({ stage, scattered, unlisted, elsewhere, bystander }) => {
        const { manager } = stage.application
        for (const { userId } of [scattered, unlisted])
          await expect(manager.revokeAll(userId)).rejects.toThrow(StoreError)
        for (const device of unlisted.devices) expect(await userOf(device)).toBe(unlisted.userId)
        expect(await manager.revokeAll(elsewhere.userId)).toBe(1)
        expect(await userOf(bystander)).toBe('bystander')
      }),
    )
    await down.start()
    await cluster.untilHealthy()
    await Promise.all(
      all.map(async ({ stage, scattered, unlisted }) => {
        const [onDown, onUp] = scattered.devices as [Placed, Placed] // as above
        while ((await look(onDown)).status !== 200) await sleep(50)
        expect(await userOf(onUp)).toBeUndefined() // the first call has got so far
        for (const { userId, devices } of [scattered, unlisted]) {
          await untilDone(() => stage.application.manager.revokeAll(userId))
          expect(await Promise.all(devices.map(userOf))).toEqual(devices.map(() => undefined))
        }
      }),
    )
    for (const counts of await countAll('a revocation with a node down', stages, cluster.nodes))
      expectNothingLost(counts)
  })

  it('ends every operation within its timeout, and serves again by itself when it is back', async () => {
    const stages = await stagesOf()
    await atAll(stages, answered(40))
    const all = await Promise.all(
      stages.map(async (stage) => ({
        stage,
        work: await workOn(stage, await aUserOn(cluster, stage, down)),
      })),
    )
    await down.kill()
    await Promise.all(
      all.map(async ({ stage: { name, load }, work }) => {
        const took = await Promise.all(work.map(refusalOf))
        await Promise.all([load.refused(4), load.plainAnswered(10)])
        print(`a node down, ${name}`, [
          `slowest of ${work.length} operations ${Math.max(...took).toFixed(0)} ms`,
        ])
        expect(Math.max(...took)).toBeLessThan(TIMEOUT * 1000 + SLACK_MS)
      }),
    )
    await down.start()
    await Promise.all(
      all.map(async ({ work }) => {
        for (const run of work) await untilDone(run)
      }),
    )
    await cluster.untilHealthy()
    await atAll(stages, answered(40))
    for (const counts of await countAll('a node down and back', stages, cluster.nodes))
      expectNothingLost(counts)
  })

  /** What the store does with a record, and with a user's index, on the node that goes down. */
  async function workOn({ store, prefix }: RedisStage, userId: string) {
    const isOnDown = async (id: string) =>
      (await cluster.primaryOf(await slotOf(cluster, `${prefix}{${id}}`))) === down
    let record = aRecord()
    while (!(await isOnDown(record.id))) record = aRecord()
    const { id, secretHash } = record
    await store.create(record, NOW)
    const to = { secretHash, lastSeenAt: NOW, expiresAt: record.expiresAt }
    return [
      () => store.get(id, NOW),
      () => store.save(id, aChange(), NOW),
      () => store.save(id, aChange({ renewal: { secretHash: aSecretHash(1), renewedAt: NOW } }), NOW),
      () => store.touch(id, to, NOW),
      () => store.create(record, NOW),
      () => store.listByUser(userId, NOW),
      () => store.deleteByUser(userId),
      () => store.delete(id),
    ]
  }
})
