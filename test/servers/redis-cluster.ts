import { buildGroup, type RedisOptions, readReplication, until } from './redis-group.ts'
import type { RedisNode } from './redis-node.ts'

/** Three primaries, each with one replica, sharing the slots. */
export interface RedisCluster {
  readonly nodes: readonly RedisNode[]
  /** The primary that serves a slot, as a node that runs sees it. */
  primaryOf(slot: number): Promise<RedisNode>
  /** The replica of the primary that serves a slot. */
  replicaOf(slot: number): Promise<RedisNode>
  /** Lets the replica of a slot's primary take its place while both are well, and waits until all know. */
  failOver(slot: number): Promise<void>
  /** Waits until another node than `old` serves a slot, as after its death. */
  untilReplaced(slot: number, old: RedisNode): Promise<void>
  /** Begins to give a slot to another primary. Until it is finished the old one answers ASK for what it has not. */
  startMove(slot: number, to: RedisNode): Promise<SlotMove>
  /** Waits until every node runs, all agree on who serves what, and each primary has its replica. */
  untilHealthy(): Promise<void>
  /** Ends all and removes their files. */
  stop(): Promise<void>
}

/** A slot on its way from one primary to another. */
export interface SlotMove {
  /** Moves up to `limit` of the keys that are left. @returns how many it moved: 0 when none is left. */
  moveKeys(limit: number): Promise<number>
  /** Moves the keys that are left, and tells every primary who serves the slot now. */
  finish(): Promise<void>
}

const SLOTS = 16_384

/** Starts three primaries and a replica for each. */
export function startCluster(options: RedisOptions = {}): Promise<RedisCluster> {
  const { deadAfter = 1000 } = options
  return buildGroup(options, async (group) => {
    const nodes = await group.start(6, {
      'cluster-enabled': 'yes',
      'cluster-node-timeout': `${deadAfter}`,
    })
    await join(nodes)
    const cluster = new JoinedNodes(nodes, () => group.stop())
    await cluster.untilHealthy()
    return cluster
  })
}

/** The first half become primaries, the others their replicas. */
async function join(nodes: readonly RedisNode[]): Promise<void> {
  const primaries = nodes.slice(0, nodes.length / 2)
  const share = SLOTS / primaries.length
  await Promise.all(nodes.map((node, i) => node.command('cluster', 'set-config-epoch', i + 1)))
  await Promise.all(
    primaries.map((node, i) =>
      node.command('cluster', 'addslotsrange', Math.ceil(i * share), Math.ceil((i + 1) * share) - 1),
    ),
  )
  for (const { port } of nodes.slice(1)) await nodes[0]?.command('cluster', 'meet', '127.0.0.1', port)
  await until('nodes that know each other', async () => {
    const counts = await Promise.all(nodes.map(async (it) => (await readClusterNodes(it)).length))
    return counts.every((it) => it === nodes.length)
  })
  const ids = await Promise.all(primaries.map((it) => it.command('cluster', 'myid')))
  await Promise.all(
    ids.map((id, i) => nodes[primaries.length + i]?.command('cluster', 'replicate', String(id))),
  )
}

/** Nodes that a node is in touch with, itself among them. */
async function readClusterNodes(node: RedisNode): Promise<string[]> {
  const lines = String(await node.command('cluster', 'nodes'))
    .trim()
    .split('\n')
  return lines.filter((line) => !/handshake|\bfail|noaddr|disconnected/.test(line))
}

/** Who serves a range of slots. */
interface Range {
  readonly from: number
  readonly to: number
  /** The primary's port, then its replica's. */
  readonly ports: readonly number[]
}

async function readRanges(node: RedisNode): Promise<Range[]> {
  const reply = await node.command('cluster', 'slots')
  const ranges = reply as [from: number, to: number, ...nodes: [host: string, port: number][]][] // its own format
  return ranges
    .map(([from, to, ...nodes]) => ({ from, to, ports: nodes.map(([, port]) => port) }))
    .sort((a, b) => a.from - b.from)
}

class JoinedNodes implements RedisCluster {
  readonly nodes: readonly RedisNode[]
  readonly stop: () => Promise<void>

  constructor(nodes: readonly RedisNode[], stop: () => Promise<void>) {
    this.nodes = nodes
    this.stop = stop
  }

  async primaryOf(slot: number): Promise<RedisNode> {
    return this.#node((await this.#portsOf(slot))[0])
  }

  async replicaOf(slot: number): Promise<RedisNode> {
    return this.#node((await this.#portsOf(slot))[1])
  }

  async #portsOf(slot: number): Promise<readonly number[]> {
    const asked = this.nodes.find((it) => it.isRunning)
    if (asked === undefined) throw new Error('no node runs')
    const range = (await readRanges(asked)).find((it) => it.from <= slot && slot <= it.to)
    return range?.ports ?? []
  }

  #node(port: number | undefined): RedisNode {
    const node = this.nodes.find((it) => it.port === port)
    if (node === undefined) throw new Error(`no node of ours serves at port ${port}`)
    return node
  }

  async failOver(slot: number): Promise<void> {
    const [old, replica] = await Promise.all([this.primaryOf(slot), this.replicaOf(slot)])
    await replica.command('cluster', 'failover')
    await this.untilReplaced(slot, old)
    await this.untilHealthy()
  }

  untilReplaced(slot: number, old: RedisNode): Promise<void> {
    return until('another primary', async () => (await this.primaryOf(slot)) !== old)
  }

  async startMove(slot: number, to: RedisNode): Promise<SlotMove> {
    const from = await this.primaryOf(slot)
    const [fromId, toId] = await Promise.all(
      [from, to].map(async (it) => String(await it.command('cluster', 'myid'))),
    )
    await to.command('cluster', 'setslot', slot, 'importing', String(fromId))
    await from.command('cluster', 'setslot', slot, 'migrating', String(toId))
    const moveKeys = async (limit: number): Promise<number> => {
      const keys = (await from.command('cluster', 'getkeysinslot', slot, limit)) as string[] // its own format
      if (keys.length === 0) return 0
      await from.command('migrate', '127.0.0.1', to.port, '', 0, 5000, 'keys', ...keys)
      return keys.length
    }
    return {
      moveKeys,
      finish: async () => {
        while ((await moveKeys(100)) > 0);
        const others = this.nodes.filter((it) => it !== from && it !== to)
        for (const node of [to, from]) await node.command('cluster', 'setslot', slot, 'node', String(toId))
        await Promise.all(
          others.map(async (it) => {
            const { role } = await readReplication(it)
            if (role === 'primary') await it.command('cluster', 'setslot', slot, 'node', String(toId))
          }),
        )
        await this.untilHealthy()
      },
    }
  }

  untilHealthy(): Promise<void> {
    return until('three primaries with a replica each', async () => {
      const views = await Promise.all(this.nodes.map(readRanges))
      const [view = []] = views
      const isWhole = view.reduce((sum, { from, to }) => sum + to - from + 1, 0) === SLOTS
      const isAgreed = views.every((it) => JSON.stringify(it) === JSON.stringify(view))
      const isDoubled = view.every(({ ports }) => ports.length === 2)
      if (!isWhole || !isAgreed || !isDoubled) return false
      const infos = await Promise.all(this.nodes.map((it) => it.command('cluster', 'info')))
      if (!infos.every((it) => String(it).includes('cluster_state:ok'))) return false
      const parts = await Promise.all(this.nodes.map(readReplication))
      return parts.every((it) => it.links === 1) && new Set(parts.map((it) => it.primaryPort)).size === 3
    })
  }
}
