import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { World } from './world.ts'

describe('SessionManager.start, comparing', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })

  /** How many bytes each comparison took in that a request with this token made. */
  async function compared(world: World, token: string): Promise<number[]> {
    const compare = vi.spyOn(crypto, 'timingSafeEqual')
    syncBuiltinESMExports() // so that `import { timingSafeEqual }` sees the spy too
    await world.browser(token).visit()
    return compare.mock.calls.map(([, { byteLength }]) => byteLength)
  }

  it('looks at every byte of a signature, right or wrong, and of a hash (rule 10, R-060)', async () => {
    const world = new World()
    const { token = '' } = await world.browserWith('ada')
    expect(await compared(world, token)).toEqual([32, 64])
    const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'E' : 'A'}`
    expect(await compared(world, forged)).toEqual([32, 64, 32])
  })

  it('looks at every byte of the hash of a secret that was replaced (rule 10, R-060)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const { token = '' } = browser
    await browser.ask((session) => session.renew())
    expect(await compared(world, token)).toEqual([32, 64])
  })
})
