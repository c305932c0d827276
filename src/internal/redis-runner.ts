import { setTimeout as pause } from 'node:timers/promises'
import { Deadlines } from './deadlines.ts'
import type { Send } from './redis-client.ts'
import { isAnswer, isUnknownScript, wasNotRun } from './redis-errors.ts'
import type { Script } from './redis-scripts.ts'
import { keepsRequestsApart } from './runtime.ts'

/**
 * Commands without an answer, at most. Clients queue without end while their server is away. Where the runtime keeps its
 * requests apart there is no bound: those of a request that is gone would be counted for ever.
 */
const MOST_UNANSWERED = 20_000

/** Between two tries, in ms: a failover takes a second or more. */
const PAUSE_MS = 50

/** Between two times that a client is made to look for its servers again, in ms. */
const LOOK_AGAIN_MS = 1000

/**
 * Which failed commands are sent again until the deadline. `undone`: only those that the server says it did not run.
 * `always`: also those of which nobody knows whether they took effect.
 */
export type Repeat = 'undone' | 'always'

/** How a command runs. */
export interface RunOptions {
  /** When to give it up, by `performance.now()`. */
  readonly deadline: number
  readonly repeat: Repeat
}

/** Runs the commands of one store, each within its deadline. */
export class RedisRunner {
  readonly #send: Send
  readonly #lookAgain: (key: string) => Promise<unknown>
  readonly #timeoutMs: number
  readonly #deadlines = new Deadlines()
  readonly #mostUnanswered = keepsRequestsApart() ? Number.POSITIVE_INFINITY : MOST_UNANSWERED
  #unanswered = 0
  #lookedAgainAt = Number.NEGATIVE_INFINITY

  /** @param timeout Seconds. @param lookAgain Called when nobody answered for a key. */
  constructor(send: Send, timeout: number, lookAgain: (key: string) => Promise<unknown>) {
    this.#send = send
    this.#lookAgain = lookAgain
    this.#timeoutMs = timeout * 1000
  }

  readonly #late = () => new Error(`no answer within ${this.#timeoutMs} ms`)

  /** When something that was asked for just now is to be given up. */
  newDeadline(): number {
    return performance.now() + this.#timeoutMs
  }

  /** Runs a script on its key. @returns an integer, or texts, or lists of them. */
  script(script: Script, key: string, args: readonly unknown[], options: RunOptions): Promise<unknown> {
    const operands = ['1', key, ...args.map(String)]
    return this.#repeat(key, options, async () => {
      try {
        return await this.#ask(key, ['evalsha', script.sha, ...operands])
      } catch (error) {
        // What was given up is not begun: the next request of this person may have been served meanwhile.
        if (!isUnknownScript(error) || performance.now() >= options.deadline) throw error
        return await this.#ask(key, ['eval', script.text, ...operands]) // which makes it known
      }
    })
  }

  /** Runs a command on its key. */
  command(name: string, key: string, args: readonly unknown[], options: RunOptions): Promise<unknown> {
    return this.#repeat(key, options, () => this.#ask(key, [name, key, ...args.map(String)]))
  }

  async #repeat<T>(key: string, { deadline, repeat }: RunOptions, ask: () => Promise<T>): Promise<T> {
    if (this.#unanswered >= this.#mostUnanswered)
      throw new Error(`${this.#unanswered} commands wait for an answer`)
    for (;;) {
      try {
        return await this.#deadlines.wait(ask(), deadline, this.#late)
      } catch (error) {
        const isLate = performance.now() + PAUSE_MS >= deadline
        if (isLate && !isAnswer(error)) this.#noteSilence(key)
        const isWorthRepeating = wasNotRun(error) || (repeat === 'always' && !isAnswer(error))
        if (!isWorthRepeating || isLate) throw withoutCommand(error)
      }
      await pause(PAUSE_MS)
    }
  }

  #noteSilence(key: string): void {
    if (performance.now() < this.#lookedAgainAt + LOOK_AGAIN_MS) return
    this.#lookedAgainAt = performance.now()
    // Whatever comes of it: the next command finds out.
    void this.#lookAgain(key).catch(() => undefined)
  }

  async #ask(key: string, command: readonly [name: string, ...args: string[]]): Promise<unknown> {
    this.#unanswered += 1
    try {
      return await this.#send(key, command)
    } finally {
      this.#unanswered -= 1
    }
  }
}

/** ioredis hangs the command on its errors, with the values and hashes in it; an error may be logged whole. */
function withoutCommand(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) delete error.command
  return error
}
