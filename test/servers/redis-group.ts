import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisNode, type RedisProgram, startNode } from './redis-node.ts'

/** How servers are set up. */
export interface RedisOptions {
  /** (default: redis, or valkey where COATCHECK_REDIS is that) */
  readonly program?: RedisProgram
  /** Lines of redis.conf for every node, such as `appendonly: 'yes'`. Nothing is kept on disk without them. */
  readonly settings?: Readonly<Record<string, string>>
  /** How long a node has to be silent until the others take it for dead, in milliseconds. (default: 1000) */
  readonly deadAfter?: number
}

/** Nodes that share a temporary folder. */
export interface RedisGroup {
  /** @param settings Lines of redis.conf beside those of the options. @param sentinel Lines of sentinel.conf. */
  start(count: number, settings: Readonly<Record<string, string>>, sentinel?: string[]): Promise<RedisNode[]>
  /** Ends every node, and removes the folder. */
  stop(): Promise<void>
}

/** Starts servers with `build`. Where that fails, none is left behind. */
export async function buildGroup<T>(
  options: RedisOptions,
  build: (group: RedisGroup) => Promise<T>,
): Promise<T> {
  const { program = process.env.COATCHECK_REDIS === 'valkey' ? 'valkey' : 'redis' } = options
  const folder = await mkdtemp(path.join(tmpdir(), `coatcheck-${program}-`))
  const started: RedisNode[] = []
  const group: RedisGroup = {
    async start(count, settings, sentinel) {
      const all = sentinel === undefined ? { ...options.settings, ...settings } : settings
      const one = () => startNode({ program, folder, settings: all, sentinel })
      const results = await Promise.allSettled(Array.from({ length: count }, one))
      const nodes = results.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
      started.push(...nodes)
      const failed = results.find((it) => it.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      return nodes
    },
    async stop() {
      await Promise.all(started.map((node) => node.kill()))
      await rm(folder, { recursive: true, force: true })
    },
  }
  try {
    return await build(group)
  } catch (error) {
    await group.stop()
    throw error
  }
}

/** Asks until it is so. @throws it is not after a minute, or never could be asked. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  let cause: unknown
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) {
    try {
      if (await isSo()) return
      cause = undefined
    } catch (error) {
      cause = error
    }
  }
  throw new Error(`${what}: not within a minute`, { cause })
}

/** What a node says of its part in replication. */
export interface Replication {
  readonly role: 'primary' | 'replica'
  /** A primary's replicas that follow it; a replica's link to its primary, 0 or 1. */
  readonly links: number
  /** A replica's primary. */
  readonly primaryPort: number
}

/** Asks a node for its part in replication. */
export async function readReplication(node: RedisNode): Promise<Replication> {
  const info = String(await node.command('info', 'replication'))
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const isPrimary = field('role') === 'master'
  const links = isPrimary ? [...info.matchAll(/^slave\d+:.*state=online/gm)].length : undefined
  return {
    role: isPrimary ? 'primary' : 'replica',
    links: links ?? (field('master_link_status') === 'up' ? 1 : 0),
    primaryPort: Number(field('master_port') ?? node.port),
  }
}
