import { replaceSetCookie } from '../cookies/header.ts'
import type { Exchange, SetCookie } from '../exchange.ts'
import type { Session } from '../session.ts'
import { replaceHead } from './failure-answer.ts'
import { HeadCopy, type NodeResponse, type ResponseHead, recordHead } from './node-response.ts'

/** The part of a manager that commits. */
export interface Committer<V extends object> {
  needsRefresh(session: Session<V>): boolean
  refresh(exchange: Exchange, session: Session<V>): Promise<void>
}

/** One session to commit before the head of a response goes. */
interface Commit {
  isNeeded(): boolean
  run(): Promise<void>
}

class SessionCommit<V extends object> implements Commit {
  readonly #manager: Committer<V>
  readonly #exchange: Exchange
  readonly #session: Session<V>

  constructor(manager: Committer<V>, exchange: Exchange, session: Session<V>) {
    this.#manager = manager
    this.#exchange = exchange
    this.#session = session
  }

  isNeeded(): boolean {
    return this.#manager.needsRefresh(this.#session)
  }

  run(): Promise<void> {
    return this.#manager.refresh(this.#exchange, this.#session)
  }
}

/** A part of the body that waits for the head, or the wish that the head go. */
interface Part {
  /** Hands it to the response. @returns false if the response's buffer is full. */
  send(): boolean
  /** What its caller wants to be told when it has gone. */
  readonly callback: (() => void) | undefined
}

const HOLD: unique symbol = Symbol('coatcheck.hold')

interface Holdable extends NodeResponse {
  [HOLD]?: Hold
}

interface Held extends Holdable {
  [HOLD]: Hold
}

/**
 * Lets no head of this response go before the session is committed. Costs four properties on the response and
 * two small objects; where there is nothing to commit, the head passes at once.
 *
 * Called again for the same response (a second manager, or one mounted twice), it adds to the same hold. A
 * handler that never answers commits nothing, whether or not its client is still there.
 */
export function holdHead<V extends object>(
  response: NodeResponse,
  manager: Committer<V>,
  exchange: Exchange,
  session: Session<V>,
): void {
  const held: Holdable = response
  const commit = new SessionCommit(manager, exchange, session)
  if (held[HOLD] !== undefined) held[HOLD].add(commit)
  else held[HOLD] = new Hold(held, commit)
}

/** @returns where a header of the response belongs now: the response itself, or the head that it was ended with. */
export function headOf(response: NodeResponse): ResponseHead {
  return (response as Holdable)[HOLD]?.head ?? response // every response may carry a hold
}

/** Sets a cookie that leaves with the response even if its other headers are replaced until then. */
export function keepCookie(response: NodeResponse, cookie: SetCookie): void {
  putCookie(headOf(response), cookie)
  const hold = (response as Holdable)[HOLD] // every response may carry a hold
  hold?.keep(cookie)
}

function putCookie(head: ResponseHead, cookie: SetCookie): void {
  const lines = head.getHeader('set-cookie') ?? []
  head.setHeader('Set-Cookie', replaceSetCookie(Array.isArray(lines) ? lines : [String(lines)], cookie))
}

// Shared by all responses, so that a request costs no closures.
function writeHead(this: Held, status: number, ...rest: unknown[]): unknown {
  return this[HOLD].writeHead(status, rest)
}
function write(this: Held, chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
  return this[HOLD].write(chunk, encoding, callback)
}
function end(this: Held, chunk?: unknown, encoding?: unknown, callback?: unknown): unknown {
  return this[HOLD].end(chunk, encoding, callback)
}
function flushHeaders(this: Held): void {
  this[HOLD].flushHeaders()
}
const writableEnded: PropertyDescriptor = {
  get(this: Held): boolean {
    return this[HOLD].writableEnded
  },
  // Some mocks of a response have it as a property of their own, which they go on setting.
  set(this: Held, value: unknown): void {
    Object.defineProperty(this, 'writableEnded', { value, writable: true, configurable: true })
  },
  configurable: true,
}

/**
 * - `open`: nothing has asked for the head yet.
 * - `held`: something has, and there is something to commit first.
 * - `passing`: committed; everything goes to the response as it comes.
 * - `refused`: a commit failed; its answer went instead, and what the handler sends is swallowed.
 */
type Phase = 'open' | 'held' | 'passing' | 'refused'

class Hold {
  readonly #response: NodeResponse
  readonly #commits: Commit[]
  readonly #writeHead: NodeResponse['writeHead']
  readonly #write: NodeResponse['write']
  readonly #end: NodeResponse['end']
  readonly #flushHeaders: NodeResponse['flushHeaders']
  #phase: Phase = 'open'
  #isCommitting = false
  /** The status when the first of the parts that are held came. */
  #statusAtFirst = 0
  /** The Content-Length at that time; empty if there was none. */
  #lengthAtFirst = ''
  #parts: Part[] = []
  #cookies: SetCookie[] | undefined
  #endedHead: HeadCopy | undefined
  #isEndHeld = false

  constructor(response: NodeResponse, commit: Commit) {
    this.#response = response
    this.#commits = [commit]
    this.#writeHead = response.writeHead
    this.#write = response.write
    this.#end = response.end
    this.#flushHeaders = response.flushHeaders
    response.writeHead = writeHead
    response.write = write
    response.end = end
    response.flushHeaders = flushHeaders
  }

  get head(): ResponseHead | undefined {
    return this.#endedHead
  }

  /** Whether the handler has ended the response, though nothing of it may have left yet. */
  get writableEnded(): boolean {
    const response = this.#response
    return this.#isEndHeld || Reflect.get(Object.getPrototypeOf(response), 'writableEnded', response) === true
  }

  /** Commits inside out, as middleware unwinds. */
  add(commit: Commit): void {
    this.#commits.unshift(commit)
  }

  keep(cookie: SetCookie): void {
    this.#cookies ??= []
    this.#cookies.push(cookie)
  }

  writeHead(status: number, rest: unknown[]): unknown {
    if (this.#phase === 'passing') return this.#writeHead.call(this.#response, status, ...rest)
    if (this.#phase === 'refused' || this.#endedHead !== undefined) return this.#response
    recordHead(this.#response, status, rest)
    return this.#response
  }

  write(chunk: unknown, encoding: unknown, callback: unknown): boolean {
    if (this.#mayPass()) return this.#write.call(this.#response, chunk, encoding, callback)
    const done = lastFunction(encoding, callback)
    if (this.#isOver()) return swallow(done)
    if (!isChunk(chunk)) return this.#write.call(this.#response, chunk) // throws node's own error
    this.#holdPart(() => this.#write.call(this.#response, chunk, encoding, callback), done)
    this.#commitSoon()
    return false
  }

  end(chunk: unknown, encoding: unknown, callback: unknown): unknown {
    if (this.#mayPass()) return this.#end.call(this.#response, chunk, encoding, callback)
    const done = lastFunction(chunk, encoding, callback)
    if (this.#isOver()) {
      this.#onceFinished(done)
      return this.#response
    }
    if (hasBody(chunk) && !isChunk(chunk)) this.#write.call(this.#response, chunk) // as above
    this.#holdPart(() => this.#end.call(this.#response, chunk, encoding, callback) !== undefined, done)
    this.#endedHead = new HeadCopy(this.#response)
    this.#isEndHeld = true
    // Once and for good: a response that loses a property becomes slow in all that node does with it (measured: 10 µs).
    Object.defineProperty(this.#response, 'writableEnded', writableEnded)
    this.#commitNow()
    return this.#response
  }

  flushHeaders(): void {
    if (this.#mayPass()) this.#flushHeaders?.call(this.#response)
    else if (!this.#isOver()) {
      this.#holdPart(() => {
        this.#flushHeaders?.call(this.#response)
        return true
      }, undefined)
      this.#commitSoon()
    }
  }

  /** Lets the head go if nothing is to be committed before it. A touch may follow it. */
  #mayPass(): boolean {
    if (this.#phase !== 'open') return this.#phase === 'passing'
    if (this.#commits.some((commit) => commit.isNeeded())) {
      this.#phase = 'held'
      this.#statusAtFirst = this.#response.statusCode
      this.#lengthAtFirst = this.#length
      return false
    }
    for (const commit of this.#commits) runBehind(commit)
    this.#pass()
    return true
  }

  #isOver(): boolean {
    return this.#phase === 'refused' || this.#endedHead !== undefined
  }

  #holdPart(send: () => boolean, callback: (() => void) | undefined): void {
    const { statusCode } = this.#response
    const isErrorStatus = statusCode !== this.#statusAtFirst && statusCode >= 400
    // An error page: the handler failed after it had begun its answer, of which nothing has left. Its length is
    // that of the page alone; what went before it would push the rest into the connection's next response.
    if (isErrorStatus || this.#length !== this.#lengthAtFirst) {
      this.#statusAtFirst = statusCode
      this.#lengthAtFirst = this.#length
      this.#dropParts()
    }
    this.#parts.push({ send, callback })
  }

  get #length(): string {
    return String(this.#response.getHeader('content-length') ?? '')
  }

  /**
   * Leaves a handler that fails in the same breath the time to answer with an error page. Two turns, because
   * Express calls its own error page in the next.
   */
  #commitSoon(): void {
    if (!this.#isCommitting) setImmediate(() => setImmediate(() => this.#commitNow()))
  }

  #commitNow(): void {
    if (this.#isCommitting) return
    this.#isCommitting = true
    void this.#commit() // ends every failure itself
  }

  async #commit(): Promise<void> {
    let failureBody: string | undefined
    for (const commit of this.#commits) {
      try {
        if (commit.isNeeded()) await commit.run()
        else runBehind(commit)
      } catch (error) {
        failureBody = this.#refuse(error)
      }
    }
    if (failureBody === undefined) this.#release()
    else this.#answerRefused(failureBody)
  }

  /** Everything that was held goes, in its order. */
  #release(): void {
    const parts = this.#parts
    let hasRoom = true
    try {
      this.#pass()
      for (const part of parts) hasRoom = part.send() && hasRoom
    } catch (error) {
      // What node refuses in a head (a status, a reason) it would have thrown in the handler's face.
      if (this.#response.headersSent) this.#response.destroy()
      else this.#answerRefused(this.#refuse({ status: 500, cause: error }))
      return
    }
    if (hasRoom && this.#endedHead === undefined) this.#emitDrain()
  }

  #pass(): void {
    this.#phase = 'passing'
    this.#restoreHead()
  }

  #restoreHead(): void {
    if (this.#endedHead !== undefined) {
      this.#endedHead.restore(this.#response)
      this.#isEndHeld = false
    }
    if (this.#cookies === undefined) return
    for (const cookie of this.#cookies) putCookie(this.#response, cookie)
    this.#response.setHeader('Cache-Control', 'no-store')
  }

  /** Makes the head that of the failure, so that commits that follow go by its status. @returns the body. */
  #refuse(error: unknown): string {
    this.#restoreHead()
    this.#endedHead = undefined
    this.#phase = 'refused'
    this.#dropParts()
    return replaceHead(this.#response, error)
  }

  #answerRefused(body: string): void {
    this.#restoreHead()
    this.#phase = 'passing' // for what node or an outer middleware calls while it ends the response
    this.#end.call(this.#response, body)
    this.#phase = 'refused'
    this.#emitDrain()
  }

  #dropParts(): void {
    for (const { callback } of this.#parts) if (callback !== undefined) process.nextTick(callback)
    this.#parts = []
  }

  #onceFinished(callback: (() => void) | undefined): void {
    if (callback === undefined) return
    if (this.#response.writableFinished === true) process.nextTick(callback)
    else this.#response.once('finish', callback)
  }

  #emitDrain(): void {
    process.nextTick(() => {
      this.#response.emit('drain')
      // compression keeps what is added later on a stream of its own, which its `on` gives back.
      const emitter = this.#response.on('drain', ignore)
      emitter.off('drain', ignore)
      if (emitter !== this.#response) emitter.emit('drain')
    })
  }
}

function isChunk(chunk: unknown): boolean {
  return typeof chunk === 'string' || chunk instanceof Uint8Array
}

function hasBody(chunk: unknown): boolean {
  return chunk !== undefined && chunk !== null && typeof chunk !== 'function'
}

function lastFunction(...values: unknown[]): (() => void) | undefined {
  // Only node's own callbacks stand here, and none of them needs an argument.
  return values.find((value) => typeof value === 'function') as (() => void) | undefined
}

function ignore(): void {}

function swallow(callback: (() => void) | undefined): boolean {
  if (callback !== undefined) process.nextTick(callback)
  return true
}

/** A touch, for which no response waits. The manager reports one that fails. */
function runBehind(commit: Commit): void {
  commit.run().catch(() => {})
}
