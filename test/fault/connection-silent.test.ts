import { afterAll, beforeAll, describe, it, onTestFinished } from 'vitest'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { report } from './counts.ts'
import { aPool, expectUnharmed, setStage, slowDown } from './stage.ts'

describe('a network that swallows every byte and then comes back', () => {
  let server: PostgresServer
  let proxy: TcpProxy

  beforeAll(async () => {
    server = await startPostgres(18)
    proxy = await startTcpProxy(server.url)
  })

  afterAll(async () => {
    await proxy.close()
    await server.stop()
  })

  it(
    'loses nothing acknowledged, and needs no restart of the application',
    async () => {
      const { load } = await setStage(proxy.urlOf(server.url))
      await slowDown(aPool(server.url))
      onTestFinished(() => proxy.cut()) // or the pool would wait for what is silent
      for (let round = 0; round < scale; round++) {
        await load.answered(300)
        proxy.goSilent()
        // Longer than a statement may take: connections that were there are given up, and new ones begun.
        await Promise.all([load.refused(150), load.plainAnswered(100)])
        proxy.comeBack()
        await load.answered(400)
      }
      const counts = await load.stop(aPool(server.url))
      report(`silent and back, times ${scale}`, counts)
      expectUnharmed(counts)
    },
    120_000 * scale,
  )
})
