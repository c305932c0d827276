import { describe, it, onTestFinished } from 'vitest'
import { scale } from '../servers/scale.ts'
import { report } from './counts.ts'
import { useProxiedPostgres } from './proxied-postgres.ts'
import { aPool, expectUnharmed, setStage, slowDown } from './stage.ts'

describe('a network that swallows every byte and then comes back', () => {
  const database = useProxiedPostgres()

  it(
    'loses nothing acknowledged, and needs no restart of the application',
    async () => {
      const { url, directUrl, network } = database()
      const { load } = await setStage(url)
      await slowDown(aPool(directUrl))
      onTestFinished(() => network.cut()) // or the pool would wait for what is silent
      for (let round = 0; round < scale; round++) {
        await load.answered(300)
        network.goSilent()
        // Longer than a statement may take: connections that were there are given up, and new ones begun.
        await Promise.all([load.refused(150), load.plainAnswered(100)])
        network.comeBack()
        await load.answered(400)
      }
      const counts = await load.stop(aPool(directUrl))
      report(`silent and back, times ${scale}`, counts)
      expectUnharmed(counts)
    },
    120_000 * scale,
  )
})
