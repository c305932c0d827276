import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { libraries, type OpenClient, type Topology } from '../servers/redis-clients.ts'
import { type RedisCluster, startCluster } from '../servers/redis-cluster.ts'
import { until } from '../servers/redis-group.ts'
import type { RedisNode, RedisProgram } from '../servers/redis-node.ts'
import { type RedisSentinel, startSentinel } from '../servers/redis-sentinel.ts'

interface Servers {
  readonly single: RedisServer
  readonly sentinel: RedisSentinel
  readonly cluster: RedisCluster
}

async function startAll(program: RedisProgram): Promise<Servers> {
  const results = await Promise.allSettled([
    startRedis({ program }),
    startSentinel({ program }),
    startCluster({ program }),
  ])
  const [single, sentinel, cluster] = results
  if (single.status === 'fulfilled' && sentinel.status === 'fulfilled' && cluster.status === 'fulfilled')
    return { single: single.value, sentinel: sentinel.value, cluster: cluster.value }
  await Promise.all(results.map((it) => (it.status === 'fulfilled' ? it.value.stop() : undefined)))
  throw results.find((it) => it.status === 'rejected')?.reason
}

async function withClients(
  topology: Topology,
  nodes: readonly RedisNode[],
  run: (open: OpenClient, name: string) => Promise<void>,
): Promise<void> {
  const ports = nodes.map(({ port }) => port)
  const opened: (readonly [OpenClient, string])[] = await Promise.all(
    libraries.map(async (it) => [await it.connect(topology, ports), it.name] as const),
  )
  try {
    await Promise.all(opened.map(([client, name]) => run(client, name)))
  } finally {
    await Promise.all(opened.map(([client]) => client.close()))
  }
}

const topologies: readonly Topology[] = ['single', 'sentinel', 'cluster']

/** The slot of every key with `{b}` in it. */
const SLOT_OF_B = 3300

describe.each(['redis', 'valkey'] as const)('servers for tests: %s', (program) => {
  let servers: Servers

  beforeAll(async () => {
    servers = await startAll(program)
  })

  afterAll(async () => {
    await Promise.all([servers?.single.stop(), servers?.sentinel.stop(), servers?.cluster.stop()])
  })

  it.each(topologies)('lets each client write and read, on any key: %s', async (topology) => {
    const { single, sentinel, cluster } = servers
    const nodes = { single: [single.node], sentinel: sentinel.sentinels, cluster: cluster.nodes.slice(0, 3) }
    await withClients(topology, nodes[topology], async ({ send }, name) => {
      for (const key of ['a', 'b', 'c', 'd'].map((it) => `${name}{${it}}`)) {
        await send(key, 'SET', key, name)
        expect(await send(key, 'EVAL', "return redis.call('get', KEYS[1])", '1', key), key).toBe(name)
      }
    })
  })

  it('lets a replica take over from a primary that is well', async () => {
    const { sentinel, cluster } = servers
    const before = await Promise.all([sentinel.primary(), cluster.primaryOf(SLOT_OF_B)])
    await Promise.all([sentinel.failOver(), cluster.failOver(SLOT_OF_B)])
    const after = await Promise.all([sentinel.primary(), cluster.primaryOf(SLOT_OF_B)])
    expect(after.map((it, i) => it === before[i])).toEqual([false, false])
  })
})

describe('startSentinel', () => {
  let sentinel: RedisSentinel

  beforeAll(async () => {
    sentinel = await startSentinel()
  })

  afterAll(() => sentinel?.stop())

  it('replaces a primary that died, under Sentinel', async () => {
    await withClients(
      'sentinel',
      sentinel.sentinels,
      async ({ send }, name) => void (await send(name, 'SET', name, 'before')),
    )
    const old = await sentinel.primary()
    await old.kill()
    await sentinel.untilReplaced(old)
    await withClients('sentinel', sentinel.sentinels, async ({ send }, name) => {
      expect(await send(name, 'GETSET', name, 'after'), name).toBe('before')
    })
    await old.start()
    await sentinel.untilHealthy()
    expect(await sentinel.primary()).not.toBe(old)
  })
})

describe('startCluster', () => {
  let cluster: RedisCluster

  beforeAll(async () => {
    cluster = await startCluster()
  })

  afterAll(() => cluster?.stop())

  it('replaces a primary that died, on a Cluster', async () => {
    await withClients(
      'cluster',
      cluster.nodes,
      async ({ send }, name) => void (await send('{b}', 'HSET', '{b}', name, 'before')),
    )
    const old = await cluster.primaryOf(SLOT_OF_B)
    await old.kill()
    await cluster.untilReplaced(SLOT_OF_B, old)
    await withClients('cluster', cluster.nodes, async ({ send }, name) => {
      expect(await send('{b}', 'HGET', '{b}', name), name).toBe('before')
    })
    await old.start()
    await cluster.untilHealthy()
    expect(await cluster.primaryOf(SLOT_OF_B)).not.toBe(old)
  })

  it('moves a slot to another node, while each client reads its keys', async () => {
    const from = await cluster.primaryOf(SLOT_OF_B)
    const to = await cluster.primaryOf(SLOT_OF_B + 16_384 / 2)
    const keys = Array.from({ length: 20 }, (_, i) => `${i}{b}`)
    await withClients('cluster', cluster.nodes, async ({ send }, name) => {
      const values = () => Promise.all(keys.map((key) => send(key, 'HGET', key, name)))
      for (const key of keys) await send(key, 'HSET', key, name, key)
      expect(await values(), name).toEqual(keys)
    })
    const move = await cluster.startMove(SLOT_OF_B, to)
    const readAll = () =>
      withClients('cluster', cluster.nodes, async ({ send }, name) => {
        for (const key of keys) expect(await send(key, 'HGET', key, name), `${name} ${key}`).toBe(key)
      })
    expect(await move.moveKeys(10)).toBe(10)
    await readAll()
    await move.finish()
    await readAll()
    expect(from).not.toBe(to)
    expect(await cluster.primaryOf(SLOT_OF_B)).toBe(to)
  })
})

describe('startRedis', () => {
  let server: RedisServer

  beforeAll(async () => {
    server = await startRedis()
  })

  afterAll(() => server?.stop())

  it('freezes a server: it takes connections, and answers when it thaws', async () => {
    const { node } = server
    node.freeze()
    const socket = connect(node.port, '127.0.0.1')
    const answer = once(socket, 'data')
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const first = await Promise.race([answer, sleep(300, 'silence')])
    node.thaw()
    expect([first, String(await answer)]).toEqual(['silence', '+PONG\r\n'])
    socket.destroy()
  })

  it('starts a server again that was killed, with what its settings keep', async () => {
    const kept = await startRedis({ settings: { appendonly: 'yes', appendfsync: 'always' } })
    try {
      await kept.node.command('set', 'a', 'kept')
      await kept.node.kill()
      await expect(kept.node.command('ping')).rejects.toThrow()
      await kept.node.start()
      expect(await kept.node.command('get', 'a')).toBe('kept')
    } finally {
      await kept.stop()
    }
  })

  it('leaves no server behind when a test run is killed', async () => {
    const program = fileURLToPath(new URL('redis-program.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [port] = await once(child.stdout, 'data')
    expect(await isListening(Number(port))).toBe(true)
    child.kill('SIGKILL')
    await until('nobody listens', async () => !(await isListening(Number(port))))
  })
})

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
