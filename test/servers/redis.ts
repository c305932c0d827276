import { buildGroup, type RedisOptions } from './redis-group.ts'
import type { RedisNode } from './redis-node.ts'

/** One server. */
export interface RedisServer {
  readonly node: RedisNode
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

/** Starts one server. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return buildGroup(options, async (group) => {
    const [node] = await group.start(1, {})
    if (node === undefined) throw new Error('no server was started')
    return { node, stop: () => group.stop() }
  })
}
