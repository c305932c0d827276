import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type EpochMs, type SessionEvent, SessionManager, StoreError } from 'coatcheck'
import { aRecord, NOW } from 'coatcheck/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RecordingStore } from './recording-store.ts'
import { AUTH_KEY, FakeExchange, World } from './world.ts'

const DAY_MS = 86_400_000

/** A store with a clock of its own. */
class ServerStore extends RecordingStore {
  serverNow: EpochMs = NOW
  readonly cleanedAt: EpochMs[] = []

  async serverTime(): Promise<EpochMs> {
    this.calls.push('serverTime')
    await this.before('serverTime', undefined)
    return this.serverNow
  }

  override cleanup(now: EpochMs, limit: number): Promise<number> {
    this.cleanedAt.push(now)
    return super.cleanup(now, limit)
  }
}

/** A manager on the process's clock, which stands at NOW. */
function managerOf(store: ServerStore, events: SessionEvent[] = []): SessionManager {
  return new SessionManager({ store, authKey: AUTH_KEY, onEvent: (event) => void events.push(event) })
}

describe('SessionManager.cleanup', () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('deletes what is expired and nothing else, in steps of 1000 (R-073)', async () => {
    const world = new World()
    for (let i = 0; i < 2500; i++)
      await world.store.plant(aRecord({ expiresAt: world.now - (i % 2), absoluteEnd: world.now }))
    const live = aRecord({ expiresAt: world.now + 1 })
    await world.store.plant(live)
    expect(await world.manager.cleanup()).toBe(2500)
    expect(world.store.calls).toEqual(['cleanup', 'cleanup', 'cleanup'])
    expect(await world.store.peek(live.id, world.now)).toBeDefined()
    expect(world.events).toEqual([{ type: 'cleaned', at: new Date(world.now), count: 2500 }])
  })

  it.each([
    ['the manager is ahead', -20 * 3_600_000, NOW - 20 * 3_600_000, 72_000],
    ['the server is ahead', 20 * 3_600_000, NOW, -72_000],
    ['they differ by a minute', 60_000, NOW, undefined],
    ['they differ by a minute, the other way', -60_000, NOW - 60_000, undefined],
    ['they differ by more than a minute', 60_001, NOW, -60.001],
    ['they agree', 0, NOW, undefined],
  ])('goes by the earlier of two clocks; %s', async (_name, ahead, cleanedAt, seconds) => {
    const store = new ServerStore()
    store.serverNow = NOW + ahead
    const events: SessionEvent[] = []
    const manager = managerOf(store, events)
    await manager.cleanup()
    expect(store.calls).toEqual(['serverTime', 'cleanup'])
    expect(store.cleanedAt).toEqual([cleanedAt])
    const skews = events.filter(({ type }) => type === 'clock-skew')
    expect(skews).toEqual(seconds === undefined ? [] : [{ type: 'clock-skew', at: new Date(NOW), seconds }])
  })

  it('deletes no session that lives by either clock', async () => {
    for (const ahead of [-DAY_MS, DAY_MS]) {
      const store = new ServerStore()
      store.serverNow = NOW + ahead
      const record = aRecord({ expiresAt: Math.min(NOW, NOW + ahead) + 1 })
      await store.plant(record)
      expect(await managerOf(store).cleanup()).toBe(0)
    }
  })

  it('does not ask the server where the manager has a clock of its own', async () => {
    const store = new ServerStore()
    store.serverNow = NOW - DAY_MS
    const manager = new SessionManager({ store, authKey: AUTH_KEY, clock: () => NOW })
    await manager.cleanup()
    expect(store.calls).toEqual(['cleanup'])
    expect(store.cleanedAt).toEqual([NOW])
  })

  it('deletes nothing where the server does not tell its time', async () => {
    const store = new ServerStore()
    store.before = () => Promise.reject(new Error('down'))
    const cleaning = managerOf(store).cleanup()
    await expect(cleaning).rejects.toBeInstanceOf(StoreError)
    await expect(cleaning).rejects.toMatchObject({ operation: 'serverTime' })
    expect(store.cleanedAt).toEqual([])
  })

  it('goes by the earlier of two clocks where nobody is told of it', async () => {
    const store = new ServerStore()
    store.serverNow = NOW - DAY_MS
    await new SessionManager({ store, authKey: AUTH_KEY }).cleanup()
    expect(store.cleanedAt).toEqual([NOW - DAY_MS])
  })
})

describe('SessionManager, cleaning by itself', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  const begin = async (options: object = {}) => {
    const world = new World({ cleanupInterval: undefined, ...options })
    await world.manager.start(new FakeExchange())
    return world
  }
  const cleanups = (world: World) => world.store.calls.filter((operation) => operation === 'cleanup').length

  it('begins with the first request, not before', async () => {
    const world = new World({ cleanupInterval: undefined })
    expect(vi.getTimerCount()).toBe(0)
    await world.manager.start(new FakeExchange())
    await world.manager.start(new FakeExchange())
    expect(vi.getTimerCount()).toBe(1)
  })

  it('comes again and again, 300 s apart', async () => {
    const world = await begin()
    await vi.advanceTimersByTimeAsync(299_999)
    expect(cleanups(world)).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(cleanups(world)).toBe(1)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(cleanups(world)).toBe(3)
  })

  it.each([
    [0, 80_000],
    [0.999_999, 120_000],
  ])('keeps processes apart by a fifth; random %f', async (random, pause) => {
    vi.spyOn(Math, 'random').mockReturnValue(random)
    const world = await begin({ cleanupInterval: 100 })
    await vi.advanceTimersByTimeAsync(pause - 10)
    expect(cleanups(world)).toBe(0)
    await vi.advanceTimersByTimeAsync(10)
    expect(cleanups(world)).toBe(1)
  })

  it('never, with an interval of 0', async () => {
    await begin({ cleanupInterval: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits with an interval that is longer than a timer can be', async () => {
    const world = await begin({ cleanupInterval: 30 * 86_400 })
    await vi.advanceTimersByTimeAsync(DAY_MS)
    expect(cleanups(world)).toBe(0)
  })

  it('survives a store that fails, and goes on', async () => {
    const world = await begin()
    world.store.before = () => Promise.reject(new Error('down'))
    await vi.advanceTimersByTimeAsync(600_000)
    expect(world.told).toEqual(['store-failed', 'store-failed'])
    world.store.before = () => undefined
    await vi.advanceTimersByTimeAsync(300_000)
    expect(world.told.at(-1)).toBe('cleaned')
  })

  it('stops with close(), for good', async () => {
    const world = await begin()
    await world.manager.close()
    expect(vi.getTimerCount()).toBe(0)
    await world.manager.start(new FakeExchange())
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stops with close() in the middle of a cleanup, which close() waits for', async () => {
    const world = await begin()
    let release: () => void = () => undefined
    world.store.before = () => new Promise<void>((resolve) => (release = resolve))
    await vi.advanceTimersByTimeAsync(300_000)
    expect(cleanups(world)).toBe(1)
    let isClosed = false
    const closing = world.manager.close().then(() => (isClosed = true))
    await vi.advanceTimersByTimeAsync(0)
    expect(isClosed).toBe(false)
    release()
    await closing
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('SessionManager, its timers', () => {
  it('keep no process alive', async () => {
    const program = fileURLToPath(new URL('./idle-program.ts', import.meta.url))
    const tsx = import.meta.resolve('tsx')
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, program], {
      timeout: 20_000,
    })
    expect(stdout).toBe('started\n')
  }, 30_000)
})
