import { Browser } from '../http/browser.ts'
import type { Received } from '../http/received.ts'

/** A session as its owner knows it. */
export interface KnownSession {
  readonly id: string
  readonly userId: string
  /** Writes that were answered 200: they have to be there. */
  readonly written: Set<number>
  /** Writes that were answered 503: each is there whole, or not at all. */
  readonly unsure: Set<number>
  counted: number
  unsureCounts: number
  /** Whether its end was acknowledged; `unsure`: asked for, and answered 503. */
  isEnded: 'no' | 'unsure' | 'yes'
}

/** What a person asked for, and the answer; no answer if the connection broke. */
export interface Asked {
  readonly path: string
  readonly answer: Received | undefined
  readonly milliseconds: number
}

/** What somebody does next. */
const HABITS = [
  'read',
  'read',
  'read',
  'read',
  'write',
  'write',
  'write',
  'count',
  'renew',
  'sign-out',
] as const

/**
 * Somebody who uses the application, one request after the other, and remembers what was acknowledged.
 *
 * After a renewal or a sign-out that was answered 503 nobody knows which token lives, so the next request looks.
 */
export class Person {
  readonly sessions: KnownSession[] = []
  readonly surprises: string[] = []
  /** Names under which a sign-in was answered 503: a record of it is there whole, or not at all. */
  readonly unsureNames: string[] = []
  /** Ids of sessions whose sign-out or renewal was answered 503 at some time. */
  readonly unsureEnds = new Set<string>()
  readonly #browser: Browser
  readonly #name: string
  #generation = 0
  #step = 0
  #current: KnownSession | undefined
  #isUnsureOfToken = false

  constructor(port: number, name: string) {
    this.#browser = new Browser(port)
    this.#name = name
  }

  async next(): Promise<Asked> {
    this.#step += 1
    const session = this.#current
    if (session === undefined) return this.#signIn()
    if (this.#isUnsureOfToken) return this.#read(session)
    const habit = HABITS[Math.floor(Math.random() * HABITS.length)] ?? 'read'
    switch (habit) {
      case 'write':
        return this.#write(session)
      case 'count':
        return this.#count(session)
      case 'renew':
        return this.#renew(session)
      case 'sign-out':
        return this.#signOut(session)
      case 'read':
        return this.#read(session)
    }
  }

  leave(): void {
    this.#browser.close()
  }

  async #signIn(): Promise<Asked> {
    this.#generation += 1
    const userId = `${this.#name}.${this.#generation}`
    const asked = await this.#ask(`/sign-in?to=${userId}`)
    if (asked.answer?.status !== 200) {
      this.unsureNames.push(userId)
      return asked
    }
    const { id } = asked.answer.json() as { id: string } // written by the application under test
    this.#current = {
      id,
      userId,
      written: new Set(),
      unsure: new Set(),
      counted: 0,
      unsureCounts: 0,
      isEnded: 'no',
    }
    this.sessions.push(this.#current)
    return asked
  }

  async #read(session: KnownSession): Promise<Asked> {
    const asked = await this.#ask('/')
    if (asked.answer?.status !== 200) return asked
    const { userId } = asked.answer.json() as { userId?: string } // as above
    if (userId === session.userId) {
      this.#isUnsureOfToken = false
      if (session.isEnded === 'unsure') session.isEnded = 'no'
    } else {
      if (userId !== undefined || !this.#isUnsureOfToken)
        this.surprises.push(`${session.id}: ${session.userId} was taken for ${userId ?? 'nobody'}`)
      this.#forget()
    }
    return asked
  }

  async #write(session: KnownSession): Promise<Asked> {
    const step = this.#step
    const asked = await this.#ask(`/write?to=${step}`)
    if (asked.answer?.status === 200) session.written.add(step)
    else session.unsure.add(step)
    return asked
  }

  async #count(session: KnownSession): Promise<Asked> {
    const asked = await this.#ask('/count')
    if (asked.answer?.status === 200) session.counted += 1
    else session.unsureCounts += 1
    return asked
  }

  async #renew(session: KnownSession): Promise<Asked> {
    const asked = await this.#ask('/renew')
    if (asked.answer?.status !== 200) {
      this.#isUnsureOfToken = true
      this.unsureEnds.add(session.id)
    }
    return asked
  }

  async #signOut(session: KnownSession): Promise<Asked> {
    const asked = await this.#ask('/sign-out')
    if (asked.answer?.status === 200) {
      session.isEnded = 'yes'
      this.#forget()
    } else {
      session.isEnded = 'unsure'
      this.unsureEnds.add(session.id)
      this.#isUnsureOfToken = true
    }
    return asked
  }

  #forget(): void {
    this.#current = undefined
    this.#isUnsureOfToken = false
    this.#browser.jar.clear()
  }

  async #ask(path: string): Promise<Asked> {
    const began = performance.now()
    // A connection that breaks is told of as no answer, which the load counts as strange.
    const answer = await this.#browser.ask(path).catch(() => undefined)
    return { path, answer, milliseconds: performance.now() - began }
  }
}
