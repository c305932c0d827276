import type { Session, SessionEvent } from 'coatcheck'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Answer, type Browser, type Visit, World } from '../unit/manager/world.ts'

const KEYS = ['a', 'b', 'c'] as const
const ACTIONS = [
  'set',
  'delete',
  'clear',
  'take',
  'update',
  'renew',
  'ada',
  'bob',
  'sign out',
  'destroy',
] as const
/** What never ends a session. */
const KIND_ACTIONS = ['set', 'delete', 'clear', 'take', 'update', 'renew', 'ada'] as const

type Action = (typeof ACTIONS)[number]

/** One thing that happens; numbers choose among what is there, modulo how many there are. */
type Step =
  | { readonly kind: 'start' }
  | {
      readonly kind: 'act'
      readonly visit: number
      readonly action: Action
      readonly key: (typeof KEYS)[number]
    }
  | { readonly kind: 'answer'; readonly visit: number; readonly status: number }
  | { readonly kind: 'deliver'; readonly answer: number }
  | { readonly kind: 'advance'; readonly seconds: number }

const steps = (actions: readonly Action[]) => {
  const n = fc.nat({ max: 11 })
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('start' as const) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('act' as const),
        visit: n,
        action: fc.constantFrom(...actions),
        key: fc.constantFrom(...KEYS),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('answer' as const),
        visit: n,
        status: fc.constantFrom(200, 200, 200, 302, 404, 500),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('deliver' as const), answer: n }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('advance' as const), seconds: fc.constantFrom(1, 20, 90) }),
    },
  )
  return fc.array(step, { minLength: 10, maxLength: 40 })
}

type Values = Map<string, string>
type Change = (values: Values) => void

/** A request under way, and what its commit has to do to the record. */
interface OpenVisit {
  readonly visit: Visit
  /** The record it came with, if it came with one. */
  readonly arrivedId: string | undefined
  /** Changes since the session is the one that it is. */
  changes: Change[]
  isReplaced: boolean
  isEnded: boolean
}

/** One browser, its requests and answers, and what the store has to hold. */
class Model {
  readonly world = new World()
  readonly browser: Browser = this.world.browser()
  readonly records = new Map<string, Values>()
  readonly ended = new Set<string>()
  readonly open: OpenVisit[] = []
  readonly answers: Answer[] = []
  #next = 0
  #eventsSeen = 0

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'start':
        await this.#start()
        break
      case 'act': {
        const visit = this.open[step.visit % this.open.length]
        if (visit !== undefined && !visit.isEnded) await this.#act(visit, step.action, step.key)
        break
      }
      case 'answer': {
        const [visit] = this.open.splice(step.visit % Math.max(1, this.open.length), 1)
        if (visit !== undefined) await this.#answer(visit, step.status)
        break
      }
      case 'deliver': {
        const [answer] = this.answers.splice(step.answer % Math.max(1, this.answers.length), 1)
        if (answer !== undefined) this.browser.receive(answer)
        break
      }
      case 'advance':
        this.world.advance(step.seconds)
        break
    }
    await this.#check()
  }

  async #start(): Promise<void> {
    const visit = await this.browser.visit()
    const { session } = visit
    checkOwner(session)
    const arrivedId = session.isNew ? undefined : session.id
    if (arrivedId !== undefined) {
      expect(this.ended.has(arrivedId), 'an ended session was loaded').toBe(false)
      expect(session.values()).toEqual(Object.fromEntries(this.records.get(arrivedId) ?? []))
    }
    this.open.push({ visit, arrivedId, changes: [], isReplaced: false, isEnded: false })
  }

  async #act(open: OpenVisit, action: Action, key: string): Promise<void> {
    const { session } = open.visit
    const value = `${session.userId ?? 'nobody'} ${this.#next++}`
    switch (action) {
      case 'set':
        session.set(key, value)
        open.changes.push((values) => values.set(key, value))
        break
      case 'delete':
        session.delete(key)
        open.changes.push((values) => values.delete(key))
        break
      case 'take':
        if (session.take(key) !== undefined) open.changes.push((values) => values.delete(key))
        break
      case 'clear':
        session.clear()
        open.changes.push((values) => values.clear())
        break
      case 'update':
        await this.#update(open, key, value)
        break
      case 'renew':
        session.renew()
        break
      case 'destroy':
        session.destroy()
        open.isEnded = true
        break
      case 'ada':
      case 'bob':
      case 'sign out':
        this.#setUserId(open, action === 'sign out' ? undefined : action)
        break
    }
    checkOwner(session)
  }

  async #update(open: OpenVisit, key: string, value: string): Promise<void> {
    const { session } = open.visit
    this.world.store.forget()
    const error: unknown = await session
      .update(key, () => value)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      )
    const wasStored = this.world.store.calls.includes('save')
    if (error !== undefined) expect(error).toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
    else if (wasStored) this.records.get(session.id)?.set(key, value)
    else open.changes.push((values) => values.set(key, value))
  }

  #setUserId(open: OpenVisit, userId: string | undefined): void {
    const { session } = open.visit
    const before = session.userId
    session.setUserId(userId)
    if (before === undefined || before === userId) return
    open.changes = []
    open.isReplaced = true
  }

  async #answer(open: OpenVisit, status: number): Promise<void> {
    const { visit, arrivedId, changes, isEnded, isReplaced } = open
    const answer = await visit.answer(status)
    this.answers.push(answer)
    this.#followEvents()
    const { error, cookie } = answer
    if (error !== undefined) {
      expect(error).toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
      expect(cookie).toBeUndefined()
    }
    if (error !== undefined || isEnded || status >= 500) return
    const { id } = visit.session
    const known = id === arrivedId ? this.records.get(id) : undefined
    const isStored = cookie !== undefined && cookie.maxAge !== 0
    if (known !== undefined) for (const change of changes) change(known)
    else if (isStored) this.records.set(id, followed(changes))
    if (isReplaced && arrivedId !== undefined) expect(this.ended.has(arrivedId)).toBe(true)
  }

  /** Learns which sessions have ended, and that nothing is told of them afterwards. */
  #followEvents(): void {
    for (const event of this.world.events.slice(this.#eventsSeen)) this.#follow(event)
    this.#eventsSeen = this.world.events.length
  }

  #follow(event: SessionEvent): void {
    if (event.type === 'destroyed' || event.type === 'signed-out') {
      this.ended.add(event.id)
      this.records.delete(event.id)
    }
    const isAlive = ['loaded', 'saved', 'touched', 'renewed', 'signed-in', 'created'].includes(event.type)
    if (isAlive && 'id' in event && event.id !== undefined) {
      expect(this.ended.has(event.id), `${event.type} after the end`).toBe(false)
    }
  }

  async #check(): Promise<void> {
    this.#followEvents()
    for (const [id, values] of this.records) {
      const record = await this.world.store.peek(id, this.world.now)
      expect(JSON.parse(record?.values ?? '"gone"')).toEqual(Object.fromEntries(values))
    }
    for (const id of this.ended) expect(await this.world.store.peek(id, this.world.now)).toBeUndefined()
  }
}

/** A new record's values: what was set; what it deleted or cleared was another's. */
function followed(changes: readonly Change[]): Values {
  const values: Values = new Map()
  for (const change of changes) change(values)
  return values
}

/** Every value begins with who had set it: its user, or nobody before a sign-in. */
function checkOwner(session: Session): void {
  for (const value of Object.values(session.values())) {
    const [owner] = String(value).split(' ')
    expect(['nobody', session.userId ?? 'nobody']).toContain(owner)
  }
}

describe('sessions of one browser, in any interleaving of its requests and answers', () => {
  it('lose no acknowledged write, bring nothing ended back, and mix no users’ values (rules 1, 2, 6, R-082)', async () => {
    await fc.assert(
      fc.asyncProperty(steps(ACTIONS), async (all) => {
        const model = new Model()
        for (const step of all) await model.run(step)
      }),
      { numRuns: 150 },
    )
  })

  it('never end signed out by a sign-in or a renewal (rule 17)', async () => {
    await fc.assert(
      fc.asyncProperty(steps(KIND_ACTIONS), async (all) => {
        const model = new Model()
        const signIn = { kind: 'act', visit: 0, action: 'ada', key: 'a' } as const
        const answer = { kind: 'answer', visit: 0, status: 200 } as const
        const begin = [{ kind: 'start' }, signIn, answer, { kind: 'deliver', answer: 0 }] as const
        for (const step of begin) await model.run(step)
        // No answer is under way for more than 30 s, the time that a superseded token is known for.
        let underWay = 0
        for (const step of all) {
          if (step.kind === 'advance') {
            underWay += step.seconds
            if (underWay > 30)
              while (model.answers.length > 0) await model.run({ kind: 'deliver', answer: 0 })
            if (underWay > 30) underWay = 0
          }
          await model.run(step)
        }
        while (model.open.length > 0) await model.run({ kind: 'answer', visit: 0, status: 200 })
        while (model.answers.length > 0) await model.run({ kind: 'deliver', answer: all.length })
        expect((await model.world.look(model.browser)).userId).toBe('ada')
      }),
      { numRuns: 150 },
    )
  })
})
