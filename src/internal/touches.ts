import type { EpochMs, SessionRecord } from '../store.ts'
import { endAfterUse, toMs } from './durations.ts'
import type { Emit } from './observer.ts'
import type { StoreCall } from './store-guard.ts'

/** Sessions whose last touch is remembered, so that parallel requests of one browser write it once. */
const MAX_REMEMBERED = 10_000

/** Moves idle ends forward, at most once per touch interval and session. */
export class Touches {
  /** Seconds; a record's own interval is smaller where its idle timeout is short. */
  readonly #interval: number
  readonly #emit: Emit | undefined
  readonly #lastTouch = new Map<string, EpochMs>()

  constructor(interval: number, emit: Emit | undefined) {
    this.#interval = interval
    this.#emit = emit
  }

  /** Whether a request at `now` has to be written down. */
  isDue(record: SessionRecord, now: EpochMs): boolean {
    const interval = toMs(Math.min(this.#interval, record.idleTimeout / 10))
    const last = Math.max(record.lastSeenAt, this.#lastTouch.get(record.id) ?? 0)
    return now - last >= interval
  }

  /** Touches a record that is due. @returns whether it still lives under the secret that was read. */
  async touch(record: SessionRecord, now: EpochMs, call: StoreCall): Promise<boolean> {
    const { id, secretHash } = record
    const to = { secretHash, lastSeenAt: now, expiresAt: endAfterUse(record, now) }
    this.#remember(id, now)
    try {
      const isLive = await call('touch', id, (store) => store.touch(id, to, now))
      if (isLive) this.#emit?.({ type: 'touched', at: new Date(now), id })
      return isLive
    } catch (error) {
      this.#lastTouch.delete(id)
      throw error
    }
  }

  #remember(id: string, now: EpochMs): void {
    this.#lastTouch.delete(id)
    this.#lastTouch.set(id, now)
    if (this.#lastTouch.size <= MAX_REMEMBERED) return
    const [oldest] = this.#lastTouch.keys()
    if (oldest !== undefined) this.#lastTouch.delete(oldest)
  }
}
