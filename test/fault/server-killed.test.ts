import { afterAll, beforeAll, describe, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { report } from './counts.ts'
import { aPool, expectUnharmed, setStage, slowDown } from './stage.ts'

describe('PostgreSQL killed under load', () => {
  let server: PostgresServer

  beforeAll(async () => {
    server = await startPostgres(18, { isDurable: true })
  })

  afterAll(() => server.stop())

  it.each(['node', 'express'] as const)(
    'loses nothing acknowledged, and %s goes on when it is back',
    async (framework) => {
      const kills = framework === 'node' ? 2 * scale : scale
      const { load } = await setStage(server.url, { framework })
      await slowDown(aPool(server.url))
      for (let round = 0; round < kills; round++) {
        await load.answered(300)
        await server.kill()
        await Promise.all([load.refused(60), load.plainAnswered(10)])
        await server.start()
      }
      await load.answered(400)
      const counts = await load.stop(aPool(server.url))
      report(`killed and restarted, times ${kills}, ${framework}`, counts)
      expectUnharmed(counts)
    },
    120_000 * scale,
  )
})
