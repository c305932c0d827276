import type { Gate } from './gate.ts'
import { keepsRequestsApart } from './runtime.ts'

/** One request, and who waits for its answer. */
export interface Part<Q, A> {
  readonly request: Q
  resolve(answer: A): void
  reject(reason: unknown): void
}

/** What travels as one in a batch: one request, or several of one key folded together. */
export interface Entry<Q, A> {
  readonly key: string
  /** What to ask for: all the parts at once. */
  readonly request: Q
  /** In the order in which they came. */
  readonly parts: readonly Part<Q, A>[]
}

/** An entry that no batch has taken yet. */
interface OpenEntry<Q, A> extends Entry<Q, A> {
  request: Q
  readonly parts: Part<Q, A>[]
}

/** How a kind of request travels in batches. */
export interface BatchOptions<Q, A> {
  readonly gate: Gate
  /** Entries in one batch, at most. */
  readonly maxSize: number
  /** Two entries of one key never share a batch. */
  keyOf(request: Q): string
  /** Makes one request of a waiting one and a later one of the same key. @returns `undefined`: they stay two. */
  fold(waiting: Q, next: Q): Q | undefined
  /**
   * Sends one batch and settles every part of it, or sees to it that it will be settled. What it throws, every
   * part that is not settled rejects with.
   */
  send(batch: readonly Entry<Q, A>[]): Promise<void>
}

/**
 * How long the batch under way may take before the next one no longer waits for it: ten times what a batch
 * takes on a busy server. So one slow statement does not stop all others of its kind, and a loaded server is
 * not sent many small batches in place of a few large ones.
 */
const SLOW_MS = 25

/**
 * Sends requests in batches: one that arrives when nothing is under way goes at once, those that arrive
 * meanwhile go together in the next batch, and none is added to a batch already sent. Where the runtime keeps
 * its requests apart, each goes alone.
 */
export class Batch<Q, A> {
  readonly #options: BatchOptions<Q, A>
  #waiting: Entry<Q, A>[] = []
  /** The last waiting entry of each key. A new map for each batch: see decision 015. */
  #lastOfKey = new Map<string, OpenEntry<Q, A>>()
  /** Whether a batch is under way that the next one waits for, or one is about to be sent. */
  #isBusy = false
  readonly #sendsAlone = keepsRequestsApart()

  constructor(options: BatchOptions<Q, A>) {
    this.#options = options
  }

  add(request: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      const part = { request, resolve, reject }
      if (this.#sendsAlone) this.#sendAlone(part)
      else {
        this.#put(part)
        this.#next()
      }
    })
  }

  #sendAlone(part: Part<Q, A>): void {
    const { gate, keyOf, send } = this.#options
    const entry = { key: keyOf(part.request), request: part.request, parts: [part] }
    gate.run(() => send([entry])).catch(part.reject)
  }

  #put(part: Part<Q, A>): void {
    const key = this.#options.keyOf(part.request)
    const last = this.#lastOfKey.get(key)
    const folded = last === undefined ? undefined : this.#options.fold(last.request, part.request)
    if (last !== undefined && folded !== undefined) {
      last.request = folded
      last.parts.push(part)
      return
    }
    const entry: OpenEntry<Q, A> = { key, request: part.request, parts: [part] }
    this.#lastOfKey.set(key, entry)
    this.#waiting.push(entry)
  }

  #next(): void {
    if (this.#isBusy || this.#waiting.length === 0) return
    this.#isBusy = true
    // #flush settles every part and never rejects.
    this.#options.gate.whenEntered(() => void this.#flush())
  }

  async #flush(): Promise<void> {
    const batch = this.#take()
    let isSlow = false
    const timer = setTimeout(() => {
      isSlow = true
      this.#isBusy = false
      this.#next()
    }, SLOW_MS)
    timer.unref?.() // browsers and some runtimes answer with a number
    try {
      await this.#options.send(batch)
    } catch (error) {
      for (const part of batch.flatMap(({ parts }) => parts)) part.reject(error)
    }
    clearTimeout(timer)
    this.#options.gate.leave()
    if (!isSlow) this.#rest(batch.length)
  }

  /**
   * Sends what has gathered, after giving whoever was just answered the time to ask for more. Not in a
   * microtask: requests that come from several sockets would go one by one (measured: 16,000 reads a second
   * against 38,000). One caller alone is not made to wait.
   */
  #rest(answered: number): void {
    const send = () => {
      this.#isBusy = false
      this.#next()
    }
    if (answered === 1 && this.#waiting.length === 0) send()
    else setImmediate(send)
  }

  /** The oldest waiting entries, one for each key. */
  #take(): Entry<Q, A>[] {
    if (this.#waiting.length <= this.#options.maxSize && this.#waiting.length === this.#lastOfKey.size) {
      const all = this.#waiting
      this.#waiting = []
      this.#lastOfKey = new Map()
      return all
    }
    const taken = new Map<string, Entry<Q, A>>()
    const left: Entry<Q, A>[] = []
    for (const entry of this.#waiting) {
      if (taken.size === this.#options.maxSize || taken.has(entry.key)) left.push(entry)
      else taken.set(entry.key, entry)
    }
    for (const [key, entry] of taken) if (this.#lastOfKey.get(key) === entry) this.#lastOfKey.delete(key)
    this.#waiting = left
    return [...taken.values()]
  }
}
