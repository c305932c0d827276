import { buildGroup, type RedisOptions, readReplication, until } from './redis-group.ts'
import type { RedisNode } from './redis-node.ts'

/** What the Sentinels call the primary. */
export const SENTINEL_NAME = 'coatcheck'

/** One primary with two replicas, and three Sentinels that watch over them. */
export interface RedisSentinel {
  readonly nodes: readonly RedisNode[]
  readonly sentinels: readonly RedisNode[]
  /** The node that the first Sentinel names as primary. */
  primary(): Promise<RedisNode>
  /** Lets a replica take the place of a primary that is well, and waits until every Sentinel names it. */
  failOver(): Promise<void>
  /** Waits until every Sentinel names another primary than `old`, as after its death. */
  untilReplaced(old: RedisNode): Promise<void>
  /** Waits until every node runs and follows one primary, and every Sentinel finds all well. */
  untilHealthy(): Promise<void>
  /** Ends all and removes their files. */
  stop(): Promise<void>
}

/** Starts one primary, two replicas and three Sentinels. */
export function startSentinel(options: RedisOptions = {}): Promise<RedisSentinel> {
  const { deadAfter = 1000 } = options
  return buildGroup(options, async (group) => {
    const [first] = await group.start(1, {})
    if (first === undefined) throw new Error('no server was started')
    const replicas = await group.start(2, { replicaof: `127.0.0.1 ${first.port}` })
    // Before the Sentinels, which ask a primary for its replicas only every ten seconds.
    await until('two replicas', async () => (await readReplication(first)).links === 2)
    const sentinels = await group.start(3, {}, [
      `sentinel monitor ${SENTINEL_NAME} 127.0.0.1 ${first.port} 2`,
      `sentinel down-after-milliseconds ${SENTINEL_NAME} ${deadAfter}`,
      `sentinel failover-timeout ${SENTINEL_NAME} 5000`,
    ])
    const watched = new WatchedNodes([first, ...replicas], sentinels, () => group.stop())
    await watched.untilHealthy()
    return watched
  })
}

class WatchedNodes implements RedisSentinel {
  readonly nodes: readonly RedisNode[]
  readonly sentinels: readonly RedisNode[]
  readonly stop: () => Promise<void>

  constructor(nodes: readonly RedisNode[], sentinels: readonly RedisNode[], stop: () => Promise<void>) {
    this.nodes = nodes
    this.sentinels = sentinels
    this.stop = stop
  }

  async primary(): Promise<RedisNode> {
    const [port] = await this.#named()
    const node = this.nodes.find((it) => it.port === port)
    if (node === undefined) throw new Error('the Sentinels name no node of ours as primary')
    return node
  }

  /** The port of the primary, as each Sentinel names it. */
  async #named(): Promise<number[]> {
    const ask = (it: RedisNode) => it.command('sentinel', 'get-master-addr-by-name', SENTINEL_NAME)
    const addresses = await Promise.all(this.sentinels.map(ask))
    return addresses.map((it) => Number((it as [string, string])[1])) // the command's own format
  }

  async failOver(): Promise<void> {
    const old = await this.primary()
    await this.sentinels[0]?.command('sentinel', 'failover', SENTINEL_NAME)
    await this.untilReplaced(old)
  }

  untilReplaced(old: RedisNode): Promise<void> {
    return until('another primary', async () => {
      const [port, ...others] = await this.#named()
      return port !== old.port && others.every((it) => it === port)
    })
  }

  untilHealthy(): Promise<void> {
    return until('one primary and two replicas, watched by three Sentinels', async () => {
      const ports = await this.#named()
      const [port] = ports
      const parts = await Promise.all(this.nodes.map(readReplication))
      const isFollowed = parts.every(
        (it) => it.primaryPort === port && it.links === (it.role === 'primary' ? 2 : 1),
      )
      if (!isFollowed || ports.some((it) => it !== port)) return false
      return (await Promise.all(this.sentinels.map(findsAllWell))).every(Boolean)
    })
  }
}

async function findsAllWell(sentinel: RedisNode): Promise<boolean> {
  const primary = toFields(await sentinel.command('sentinel', 'master', SENTINEL_NAME))
  const replicas = (await sentinel.command('sentinel', 'replicas', SENTINEL_NAME)) as unknown[] // one list each
  return (
    primary.get('flags') === 'master' &&
    primary.get('num-other-sentinels') === '2' &&
    replicas.length === 2 &&
    replicas.every((it) => toFields(it).get('flags') === 'slave')
  )
}

/** Field and value in turn, as the Sentinels answer. */
function toFields(reply: unknown): ReadonlyMap<string, string> {
  const list = reply as readonly string[] // the command's own format
  return new Map(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] ?? '']] : [])))
}
