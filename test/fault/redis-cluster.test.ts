import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Browser } from '../http/browser.ts'
import { type RedisCluster, startCluster } from '../servers/redis-cluster.ts'
import { until } from '../servers/redis-group.ts'
import { scale } from '../servers/scale.ts'
import { print } from './counts.ts'
import { type Placed, signInOn, signInPlaced, slotOf } from './redis-placed.ts'
import {
  answered,
  atAll,
  countAll,
  expectLittleLost,
  expectNothingLost,
  setRedisStages,
} from './redis-stage.ts'

async function timed(browser: Browser, path: string) {
  const began = performance.now()
  const { status } = await browser.ask(path)
  return { status, took: performance.now() - began }
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[figures.length >> 1] ?? Number.NaN
}

describe('a Redis Cluster under load, with every client', { timeout: 180_000 * scale }, () => {
  let cluster: RedisCluster

  beforeAll(async () => {
    cluster = await startCluster()
  })

  afterAll(() => cluster?.stop())

  const stagesOf = (options?: object) =>
    setRedisStages(
      'cluster',
      cluster.nodes.map(({ port }) => port),
      options,
    )

  /** How often the nodes have sent a client elsewhere. There is no TRYAGAIN, which is for commands of several keys. */
  async function countRedirections(code: 'ASK' | 'MOVED'): Promise<number> {
    const infos = await Promise.all(cluster.nodes.map((node) => node.command('info', 'errorstats')))
    const counts = infos.map(
      (info) => new RegExp(`^errorstat_${code}:count=(\\d+)`, 'm').exec(String(info))?.[1],
    )
    return counts.reduce((sum, count) => sum + Number(count ?? 0), 0)
  }

  const elsewhere = (slot: number) => cluster.primaryOf((slot + 16_384 / 2) % 16_384)

  it('moves a slot to another node while it is used, and nobody notices', async () => {
    const stages = await stagesOf({ timeout: 30 })
    await atAll(stages, answered(40))
    // An index: that of everybody's sign-ins and sign-outs, in every stage.
    const slot = await slotOf(cluster, '{7}')
    const asked = await countRedirections('ASK')
    const move = await cluster.startMove(slot, await elsewhere(slot))
    await move.moveKeys(3)
    await until('a client that is sent after a key', async () => (await countRedirections('ASK')) > asked)
    await atAll(stages, answered(20))
    await move.finish()
    await atAll(stages, answered(20))
    for (const counts of await countAll('slot moved', stages, cluster.nodes)) expectNothingLost(counts)
  })

  it('moves a session to another node while it is used, and its owner does not notice', async () => {
    const stages = await stagesOf({ timeout: 30 })
    for (const stage of stages) {
      const moved = await countRedirections('MOVED')
      const { browser, slot } = await signInPlaced(cluster, stage)
      let requests = 0
      let isOver = false
      const using = (async () => {
        for (; !isOver; requests++) {
          const { status } = await browser.ask(requests % 2 === 0 ? '/' : `/write?to=${requests}`)
          expect(status).toBe(200)
        }
      })()
      const used = async (count: number) => {
        const enough = requests + count
        await Promise.race([using, until('requests', async () => requests >= enough)])
      }
      const move = await cluster.startMove(slot, await elsewhere(slot))
      await used(2)
      await move.moveKeys(100)
      const asked = await countRedirections('ASK')
      await used(4)
      expect(await countRedirections('ASK')).toBeGreaterThanOrEqual(asked + 3)
      await move.finish()
      await used(4)
      isOver = true
      await using
      expect(await countRedirections('MOVED')).toBeGreaterThan(moved)
    }
    for (const counts of await countAll('sessions moved', stages, cluster.nodes)) expectNothingLost(counts)
  })

  it('serves who is on another node than the one that is silent', async () => {
    for (const node of cluster.nodes) await node.command('config', 'set', 'cluster-node-timeout', '120000')
    const stages = await stagesOf()
    const silent = await cluster.primaryOf(0)
    const [onSilent, onOthers] = [
      await Promise.all(
        stages.map((stage) =>
          Promise.all(Array.from({ length: 12 }, () => signInOn(cluster, stage, silent))),
        ),
      ),
      await Promise.all(
        stages.map(async (stage) =>
          Promise.all([
            signInOn(cluster, stage, await cluster.primaryOf(8192)),
            signInOn(cluster, stage, await cluster.primaryOf(16_383)),
          ]),
        ),
      ),
    ]
    silent.freeze()
    try {
      await Promise.all(
        stages.map(async ({ name }, i) => {
          const refused: number[] = []
          const served: number[] = []
          const isOver = () => refused.length >= 24
          // One after the other, or all of them would travel in one batch, and hold up no other.
          const ask = async ({ browser }: Placed, n: number) => {
            await sleep(n * 100)
            while (!isOver()) {
              const { status, took } = await timed(browser, '/')
              if (status === 503) refused.push(took)
            }
          }
          const use = async ({ browser }: Placed) => {
            for (let n = 0; !isOver(); n++) {
              const { status, took } = await timed(browser, n % 2 === 0 ? '/' : `/write?to=${n}`)
              expect(status).toBe(200)
              served.push(took)
              await sleep(4)
            }
          }
          await Promise.all([...(onSilent[i] ?? []).map(ask), ...(onOthers[i] ?? []).map(use)])
          print(`one node silent, ${name}`, [
            `${refused.length} refused there after ${median(refused).toFixed(0)} ms`,
            `${served.length} served on others after ${median(served).toFixed(0)} ms`,
          ])
          // However busy the machine is: nobody on another node waits out the deadline of who is on this one.
          expect(median(served)).toBeLessThan(median(refused) / 2)
        }),
      )
    } finally {
      silent.thaw()
      for (const node of cluster.nodes) await node.command('config', 'set', 'cluster-node-timeout', '1000')
    }
    await cluster.untilHealthy()
    await atAll(stages, answered(40))
    for (const counts of await countAll('a node frozen and thawed', stages, cluster.nodes))
      expectNothingLost(counts)
  })

  it('goes on by itself when a primary has died and its replica has taken its place', async () => {
    const stages = await stagesOf()
    await atAll(stages, answered(40))
    const old = await cluster.primaryOf(0)
    const placed = await Promise.all(stages.map((stage) => signInOn(cluster, stage, old)))
    const killed = performance.now()
    await old.kill()
    await cluster.untilReplaced(0, old)
    // Before the old one is back: nobody says that it ever will be.
    await Promise.all(
      placed.map(async ({ browser }, i) => {
        while ((await browser.ask('/')).status !== 200) await sleep(50)
        const seconds = (performance.now() - killed) / 1000
        print(`primary killed, ${stages[i]?.name}`, [`served again after ${seconds.toFixed(1)} s`])
      }),
    )
    await atAll(stages, ({ load }) => Promise.all([load.answered(40), load.plainAnswered(10)]))
    await old.start()
    await cluster.untilHealthy()
    await atAll(stages, answered(40))
    for (const counts of await countAll('primary of a Cluster killed', stages, cluster.nodes))
      expectLittleLost(counts)
  })
})
