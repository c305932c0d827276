import { setTimeout as pause } from 'node:timers/promises'
import { StoreError } from 'coatcheck'
import { RedisStore } from 'coatcheck/stores/redis'
import { aRecord } from 'coatcheck/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { libraries } from '../servers/redis-clients.ts'
import type { RedisProgram } from '../servers/redis-node.ts'
import { scale } from '../servers/scale.ts'
import {
  answered,
  atAll,
  countAll,
  expectNothingLost,
  expectOrderly,
  freezeAndThaw,
  killAndStart,
  setRedisStages,
} from './redis-stage.ts'

/** Where nothing is to be noticed: a store that waits this long is not stopped by a busy machine. */
const PATIENT = { timeout: 30 }

const statusOf = async (browser: Browser, path: string) => (await browser.ask(path)).status

const PROGRAMS: readonly RedisProgram[] = ['redis', 'valkey']
const LONG = { timeout: 120_000 * scale }

describe.each(PROGRAMS)('one server of %s under load, with every client', LONG, (program) => {
  let server: RedisServer

  beforeAll(async () => {
    server = await startRedis({
      program,
      settings: {
        appendonly: 'yes',
        appendfsync: 'no', // a write reaches the system before its answer leaves, and the system outlives the server
        // So that loading takes long enough to be met.
        'key-load-delay': '200',
        'loading-process-events-interval-bytes': '1024',
      },
    })
  })

  afterAll(() => server?.stop())

  async function readCount(section: string, name: string): Promise<number> {
    const info = String(await server.node.command('info', section))
    return Number(new RegExp(`^${name}(?::|:count=)(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  }

  it('killed and started again, it loses nothing, and is waited for while it loads', async () => {
    const stages = await setRedisStages('single', [server.node.port])
    await killAndStart(stages, server.node)
    for (const counts of await countAll('killed and restarted', stages, [server.node]))
      expectNothingLost(counts)
    expect(await readCount('errorstats', 'errorstat_LOADING')).toBeGreaterThan(0)
  })

  it('frozen, it stops no request for longer than the deadline, and all goes on when it thaws', async () => {
    const stages = await setRedisStages('single', [server.node.port])
    await freezeAndThaw(stages, server.node)
    for (const counts of await countAll('frozen and thawed', stages, [server.node])) expectNothingLost(counts)
  })

  it('what was given up while it was frozen, and its script forgotten, is not begun when it thaws', async () => {
    for (const { name, connect } of libraries) {
      const { client, close } = await connect('single', [server.node.port])
      onTestFinished(close)
      const store = new RedisStore({ client, prefix: `${name}:`, timeout: 0.3 })
      const record = aRecord({ expiresAt: Date.now() + 60_000, absoluteEnd: Date.now() + 60_000 })
      await store.create(record, Date.now())
      await server.node.command('script', 'flush')
      server.node.freeze()
      await expect(store.delete(record.id)).rejects.toThrow(StoreError) // its command is on the way all the same
      const next = store.get(record.id, Date.now())
      server.node.thaw()
      expect(await next).toBeDefined()
      await pause(100)
      expect(await store.get(record.id, Date.now()), name).toBeDefined()
    }
  })

  it('with its memory full, it refuses sign-ins and writes, and goes on with reads and sign-outs', async () => {
    const stages = await setRedisStages('single', [server.node.port])
    await atAll(stages, answered(60))
    const browsers = stages.map(({ application }) => new Browser(application.port))
    onTestFinished(() => browsers.forEach((it) => void it.close()))
    for (const browser of browsers) expect(await statusOf(browser, '/sign-in?to=a')).toBe(200)
    await server.node.command('config', 'set', 'maxmemory', '1')
    await atAll(stages, ({ load }) => load.refused(12))
    for (const browser of browsers) {
      expect([await statusOf(browser, '/'), await statusOf(browser, '/write?to=1')]).toEqual([200, 503])
      expect([await statusOf(browser, '/sign-out'), await statusOf(browser, '/sign-in?to=b')]).toEqual([
        200, 503,
      ])
    }
    await server.node.command('config', 'set', 'maxmemory', '0')
    await atAll(stages, answered(60))
    for (const counts of await countAll('memory full', stages, [server.node])) expectNothingLost(counts)
  })

  it('flushed, it has ended every session, gives nobody another’s, and takes new ones', async () => {
    const stages = await setRedisStages('single', [server.node.port])
    await atAll(stages, answered(60))
    await server.node.command('flushall')
    await atAll(stages, answered(120))
    for (const counts of await countAll('flushed', stages, [server.node])) {
      expectOrderly(counts)
      expect(counts.lost.length).toBeGreaterThan(0)
      // A sign-in that the flush came into has a record and is on no list, until a touch puts it there.
      expect(counts.endsUndone).toBeLessThanOrEqual(2)
    }
  })

  it('whose scripts are forgotten in the middle of traffic, it is sent them again, and nobody notices', async () => {
    const stages = await setRedisStages('single', [server.node.port], PATIENT)
    const unknown = await readCount('errorstats', 'errorstat_NOSCRIPT')
    for (let round = 0; round < 5 * scale; round++) {
      await atAll(stages, answered(40))
      await server.node.command('script', 'flush')
    }
    await atAll(stages, answered(40))
    expect(await readCount('errorstats', 'errorstat_NOSCRIPT')).toBeGreaterThan(unknown)
    for (const counts of await countAll('scripts flushed', stages, [server.node])) {
      expect(counts.refused).toBe(0)
      expectNothingLost(counts)
    }
  })
})
