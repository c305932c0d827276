import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { ConflictError, type SessionRecord, StoreError, ValueError } from 'coatcheck'
import { aChange } from 'coatcheck/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Browser, World } from './world.ts'

const increment = (old: unknown) => Number(old ?? 0) + 1

/** What another process writes, so that the next compare-and-set of this one fails. */
async function writeBeside(world: World, record: SessionRecord, key: string, text: string): Promise<void> {
  const change = aChange({
    secretHash: record.secretHash,
    set: { [key]: text },
    lastSeenAt: world.now,
    expiresAt: record.expiresAt,
  })
  expect(await world.store.change(record.id, change, world.now)).toMatchObject({ outcome: 'saved' })
}

async function recordOf(world: World, browser: Browser): Promise<SessionRecord> {
  const record = await world.store.peek((await world.look(browser)).id, world.now)
  world.forget()
  if (record === undefined) throw new Error('no record')
  return record
}

describe('Session.update', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })

  it('loses no change of parallel requests and of one request (rule 2)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const visits = await Promise.all(Array.from({ length: 10 }, () => browser.visit()))
    await Promise.all(visits.flatMap(({ session }) => [0, 1, 2].map(() => session.update('n', increment))))
    expect((await world.look(browser)).values).toEqual({ n: 30 })
  })

  it('asks the store once each where the calls of one process queue', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const { session } = await browser.visit()
    world.forget()
    const values = await Promise.all([0, 1, 2, 3].map(() => session.update('n', increment)))
    expect(values).toEqual([1, 2, 3, 4])
    expect(world.store.calls).toEqual(['save', 'save', 'save', 'save'])
  })

  it('is read back in the same request in every way, a key that is new included', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const { session } = await browser.visit()
    await Promise.all([session.update('n', increment), session.update('constructor', () => 7)])
    expect(session.values()).toEqual({ n: 1, constructor: 7 })
    expect(session.has('constructor')).toBe(true)
    expect(await session.update('constructor', increment)).toBe(8)
    expect(session.get('constructor')).toBe(8)
  })

  it('is one write, after which the request needs no touch (rule 3)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    world.advance(3600)
    await browser.ask((session) => session.update('n', increment))
    expect(world.store.calls).toEqual(['get', 'save'])
    expect(world.told).toEqual(['loaded', 'saved'])
    const { session } = await browser.visit()
    expect(session.lastSeenAt).toEqual(new Date(world.now))
  })

  it('survives a handler that throws, and a commit that fails', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const visit = await browser.visit()
    await visit.session.update('n', increment)
    visit.session.set('x', 1)
    await visit.answer(500)
    expect((await world.look(browser)).values).toEqual({ n: 1 })
  })

  it('tries again with the value that it lost against', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const record = await recordOf(world, browser)
    const { session } = await browser.visit()
    await writeBeside(world, record, 'n', '10')
    const seen: unknown[] = []
    const value = await session.update('n', (old) => {
      seen.push(old)
      return increment(old)
    })
    expect(value).toBe(11)
    expect(seen).toEqual([0, 10])
    expect(world.store.calls).toEqual(['get', 'save', 'get', 'save'])
  })

  it('is not disturbed by a parallel write to another key', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const record = await recordOf(world, browser)
    const { session } = await browser.visit()
    await writeBeside(world, record, 'other', '1')
    expect(await session.update('n', increment)).toBe(1)
    expect((await world.look(browser)).values).toEqual({ n: 1, other: 1 })
  })

  it.each([
    [63, 64],
    [64, undefined],
  ])('having lost %i times, ends with %s', async (losses, value) => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const record = await recordOf(world, browser)
    let lost = 0
    world.store.before = async (operation) => {
      if (operation !== 'save' || lost === losses) return
      lost += 1
      await writeBeside(world, record, 'n', String(lost))
    }
    const { session } = await browser.visit()
    const updated = session.update('n', increment)
    if (value === undefined) {
      await expect(updated).rejects.toBeInstanceOf(ConflictError)
      await expect(updated).rejects.toThrow('session.update() of "n" lost against other updates 64 times')
    } else expect(await updated).toBe(value)
    expect(world.store.calls.filter((operation) => operation === 'save')).toHaveLength(64)
  })

  it.each([
    [
      'ended',
      (world: World, browser: Browser) => world.look(browser).then(({ id }) => world.store.drop(id)),
      'gone',
    ],
    ['renewed', (_: World, browser: Browser) => browser.copy().ask((s) => s.renew()), 'superseded'],
  ] as const)('of a session that was %s is a ConflictError and an event', async (_name, spoil, reason) => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const { session } = await browser.visit()
    await spoil(world, browser)
    world.forget()
    await expect(session.update('n', increment)).rejects.toBeInstanceOf(ConflictError)
    expect(world.events).toEqual([{ type: 'lost', at: new Date(world.now), id: session.id, reason }])
  })

  it('waits by chance between two tries, twice as long at most each time, and never over 50 ms', async () => {
    const sleep = vi.spyOn(timers, 'setTimeout').mockResolvedValue(undefined)
    syncBuiltinESMExports() // so that an `import` of it sees the spy too
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const world = new World()
    const browser = await world.browserWith('ada', { n: 0 })
    const record = await recordOf(world, browser)
    let lost = 0
    world.store.before = async (operation) => {
      if (operation === 'save' && lost < 8) await writeBeside(world, record, 'n', String(++lost))
    }
    const { session } = await browser.visit()
    expect(await session.update('n', increment)).toBe(9)
    expect(sleep.mock.calls.map(([ms]) => ms)).toEqual([1, 2, 4, 8, 16, 25, 25, 25])
  })

  it.each(['gone', 'superseded'] as const)(
    'finds out when it tries again that the session is %s',
    async (reason) => {
      const world = new World()
      const browser = await world.browserWith('ada', { n: 0 })
      const record = await recordOf(world, browser)
      const { session } = await browser.visit()
      await writeBeside(world, record, 'n', '7')
      world.store.before = async (operation) => {
        world.store.before = () => undefined
        if (operation !== 'save') return
        world.store.before = async (next) => {
          if (next !== 'get') return
          world.store.before = () => undefined
          if (reason === 'gone') await world.store.drop(record.id)
          else await browser.copy().ask((other) => other.renew())
        }
      }
      const seen: unknown[] = []
      const updated = session.update('n', (old) => {
        seen.push(old)
        return increment(old)
      })
      await expect(updated).rejects.toBeInstanceOf(ConflictError)
      expect(world.events.filter(({ type }) => type === 'lost')).toMatchObject([{ id: record.id, reason }])
      // What it holds by now may be another person's.
      expect(seen).toEqual([0])
    },
  )

  it('deletes where the change returns undefined', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { token: 'x' })
    await browser.ask(async (session) => {
      expect(await session.update('token', () => undefined)).toBeUndefined()
      expect(session.has('token')).toBe(false)
    })
    expect((await world.look(browser)).values).toEqual({})
  })

  it('gives a one-time token to one of many requests (R-045)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { token: 'once' })
    const visits = await Promise.all(Array.from({ length: 8 }, () => browser.visit()))
    const won: unknown[] = []
    await Promise.all(
      visits.map(async ({ session }) => {
        let taken: unknown
        await session.update('token', (old) => {
          taken = old
          return undefined
        })
        if (taken !== undefined) won.push(taken)
      }),
    )
    expect(won).toEqual(['once'])
  })

  it('hands the old value out as a copy, and returns one', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { list: [1] })
    const { session } = await browser.visit()
    const mine = [1, 2]
    const value = (await session.update('list', (old) => {
      ;(old as number[]).push(99)
      return mine
    })) as number[]
    mine.push(3)
    value.push(4)
    expect(session.get('list')).toEqual([1, 2])
    expect(world.manager.needsRefresh(session)).toBe(false)
  })

  it.each(['stored', 'new'])('rejects with what the change throws, and changes nothing; %s', async (kind) => {
    const world = new World()
    const browser = kind === 'new' ? world.browser() : await world.browserWith('ada', { n: 1 })
    const { session } = await browser.visit()
    const before = session.values()
    const mistake = new TypeError('mine')
    const change = () => {
      throw mistake
    }
    await expect(session.update('n', change)).rejects.toBe(mistake)
    expect(session.values()).toEqual(before)
    expect(world.store.writes).toEqual([])
    expect(await session.update('n', () => 5)).toBe(5)
  })

  it.each(['stored', 'new'])(
    'refuses a change that returns a promise, and leaves no rejection unhandled; %s',
    async (kind) => {
      const unhandled: unknown[] = []
      const note = (reason: unknown) => unhandled.push(reason)
      process.on('unhandledRejection', note)
      const world = new World()
      const browser = kind === 'new' ? world.browser() : await world.browserWith('ada', { n: 1 })
      const { session } = await browser.visit()
      const change = async (): Promise<number> => {
        throw new Error('later')
      }
      const updated = session.update('n', change) // what JavaScript lets through
      await expect(updated).rejects.toBeInstanceOf(ValueError)
      await expect(updated).rejects.toThrow('synchronous')
      await new Promise((resolve) => setImmediate(resolve))
      process.off('unhandledRejection', note)
      expect(unhandled).toEqual([])
      expect(world.store.writes).toEqual([])
    },
  )

  it.each(['stored', 'new'])('refuses a value that JSON cannot hold, with its path; %s', async (kind) => {
    const world = new World()
    const browser = kind === 'new' ? world.browser() : await world.browserWith('ada', { n: 1 })
    const { session } = await browser.visit()
    const updated = session.update('n', () => ({ at: [new Date()] }))
    await expect(updated).rejects.toBeInstanceOf(ValueError)
    await expect(updated).rejects.toThrow('n.at[0] is an instance of Date')
    expect(world.store.writes).toEqual([])
  })

  it.each(['stored', 'new'])('reads what the change returns once; %s', async (kind) => {
    const world = new World()
    const browser = kind === 'new' ? world.browser() : await world.browserWith('ada', { n: 1 })
    let reads = 0
    const sly = {
      get n() {
        reads += 1
        return reads
      },
    }
    const { session } = await browser.visit()
    expect(await session.update('n', () => sly)).toEqual({ n: 1 })
    expect(session.get('n')).toEqual({ n: 1 })
  })

  it('refuses to change what was made invalid in place', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { cart: { n: 1 } })
    const { session } = await browser.visit()
    const cart = session.get('cart') as Record<string, unknown>
    cart.n = 10n
    const updated = session.update('cart', (old) => old)
    await expect(updated).rejects.toBeInstanceOf(ValueError)
    await expect(updated).rejects.toThrow('cart.n is a bigint')
  })

  it('brings no value of one user to another who signs in meanwhile', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 1 })
    const { session } = await browser.visit()
    const updates = [session.update('n', increment), session.update('n', increment)]
    session.setUserId('bob')
    await Promise.all(updates)
    expect(session.values()).toEqual({})
    expect(session.has('n')).toBe(false)
  })

  it('leaves another user who signs in meanwhile a session of their own', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 1 })
    const visit = await browser.visit()
    world.forget()
    const updated = visit.session.update('n', increment)
    visit.session.setUserId('bob')
    await updated
    await visit.answer()
    expect(world.store.writes).toEqual(['save', 'delete', 'create'])
  })

  it('writes nothing where the change leaves the value as it was', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: { a: 1 } })
    await browser.ask((session) => session.update('n', (old) => old))
    expect(world.store.writes).toEqual([])
  })

  it('rejects with StoreError where the store fails', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 1 })
    const { session } = await browser.visit()
    const cause = new Error('down')
    world.store.before = () => Promise.reject(cause)
    const error: unknown = await session.update('n', increment).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ operation: 'save', cause })
    expect(session.get('n')).toBe(1)
  })

  it('says that the store failed to get the value for another try', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 1 })
    const record = await recordOf(world, browser)
    const { session } = await browser.visit()
    await writeBeside(world, record, 'n', '2')
    const cause = new Error('down')
    world.store.before = (operation) => {
      if (operation === 'get') throw cause
    }
    await expect(session.update('n', increment)).rejects.toMatchObject({ operation: 'get', cause })
  })
})
