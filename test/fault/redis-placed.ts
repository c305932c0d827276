import { onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import type { RedisCluster } from '../servers/redis-cluster.ts'
import type { RedisNode } from '../servers/redis-node.ts'
import type { RedisStage } from './redis-stage.ts'

/** A browser that is signed in, and where its record is. */
export interface Placed {
  readonly browser: Browser
  readonly userId: string
  readonly slot: number
  readonly node: RedisNode
}

/** Finds the slot of a key. */
export async function slotOf(cluster: RedisCluster, key: string): Promise<number> {
  return Number(await cluster.nodes[0]?.command('cluster', 'keyslot', key))
}

/** Signs somebody in. */
export async function signInPlaced(
  cluster: RedisCluster,
  { application, prefix }: RedisStage,
  userId = 'placed',
): Promise<Placed> {
  const browser = new Browser(application.port)
  onTestFinished(() => browser.close())
  const answer = await browser.ask(`/sign-in?to=${userId}`)
  const { id } = answer.json() as { id: string } // written by the application
  const slot = await slotOf(cluster, `${prefix}{${id}}`)
  return { browser, userId, slot, node: await cluster.primaryOf(slot) }
}

/** Signs somebody in with a record on this node. */
export async function signInOn(
  cluster: RedisCluster,
  stage: RedisStage,
  node: RedisNode,
  userId?: string,
): Promise<Placed> {
  for (;;) {
    const placed = await signInPlaced(cluster, stage, userId)
    if (placed.node === node) return placed
    await placed.browser.ask('/sign-out')
  }
}

let users = 0

/** Makes up a user whose index is on this node. */
export async function aUserOn(
  cluster: RedisCluster,
  { prefix }: RedisStage,
  node: RedisNode,
): Promise<string> {
  for (;;) {
    const userId = `placed-${users++}`
    if ((await cluster.primaryOf(await slotOf(cluster, `${prefix}u{${userId}}`))) === node) return userId
  }
}
