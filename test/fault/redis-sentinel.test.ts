import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RedisSentinel, startSentinel } from '../servers/redis-sentinel.ts'
import { scale } from '../servers/scale.ts'
import { answered, atAll, countAll, expectLittleLost, setRedisStages } from './redis-stage.ts'

describe('Redis under Sentinel under load, with every client', { timeout: 180_000 * scale }, () => {
  let servers: RedisSentinel

  beforeAll(async () => {
    servers = await startSentinel()
  })

  afterAll(() => servers?.stop())

  it('goes on by itself when the primary has died and another has been named', async () => {
    const ports = servers.sentinels.map(({ port }) => port)
    const stages = await setRedisStages('sentinel', ports)
    await atAll(stages, answered(60))
    const old = await servers.primary()
    await old.kill()
    await servers.untilReplaced(old)
    await atAll(stages, ({ load }) => Promise.all([load.answered(60), load.plainAnswered(10)]))
    const all = await countAll('primary killed under Sentinel', stages, servers.nodes)
    for (const counts of all) expectLittleLost(counts)
  })
})
