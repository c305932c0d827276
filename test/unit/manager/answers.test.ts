import { ConflictError, type Session, ValueError } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { type ArrivalKind, arrive } from './arrivals.ts'
import { type Answer, type Browser, World } from './world.ts'

const ACTIONS = {
  read: (session: Session) => session.get('cart'),
  set: (session: Session) => session.set('x', 1),
  delete: (session: Session) => session.delete('x'),
  clear: (session: Session) => session.clear(),
  update: (session: Session) => session.update('n', (old) => Number(old ?? 0) + 1),
  renew: (session: Session) => session.renew(),
  'change in place': (session: Session) => (session.get('cart') as number[]).push(2),
  'set, then delete': (session: Session) => session.set('x', 1).delete('x'),
  'sign in': (session: Session) => session.setUserId('ada'),
  'sign in another': (session: Session) => session.setUserId('bob'),
  'sign out': (session: Session) => session.setUserId(undefined),
  'sign out, then set': (session: Session) => session.setUserId(undefined).set('x', 1),
  'sign out, then in': (session: Session) => session.setUserId(undefined).setUserId('bob'),
  'sign in, then out': (session: Session) => session.setUserId('bob').setUserId(undefined),
  destroy: (session: Session) => session.destroy(),
  'set, then destroy': (session: Session) => session.set('x', 1).destroy(),
  'sign in another, then destroy': (session: Session) => session.setUserId('bob').destroy(),
} as const

type Action = keyof typeof ACTIONS

/** What the record became between the request's start and its commit. */
type Fate = 'live' | 'gone' | 'superseded'

/** Statements that write, then what happens to the cookie, or the status of the error. */
type Row = readonly [Action, Fate, below500: string, from500: string]

const NOTHING = 'nothing'
const ended = (how: string): Row[] =>
  (['live', 'gone', 'superseded'] as const).flatMap((fate) => [
    ['destroy', fate, how, how],
    ['set, then destroy', fate, how, how],
    ['sign in another, then destroy', fate, how, how],
  ])

/** Rule 17, rows 1 to 6 and 10, for a request that came with a live session. */
const LIVE: readonly Row[] = [
  ...(['live', 'gone', 'superseded'] as const).map((fate): Row => ['read', fate, NOTHING, NOTHING]),
  ...(['set', 'delete', 'clear', 'change in place', 'set, then delete'] as const).flatMap((action): Row[] => [
    [action, 'live', 'save', NOTHING],
    [action, 'gone', 'save, 409', NOTHING],
    [action, 'superseded', 'save, 409', NOTHING],
  ]),
  ['renew', 'live', 'save, cookie', NOTHING],
  ['renew', 'gone', 'save, 409', NOTHING],
  ['renew', 'superseded', 'save, 409', NOTHING],
  // It commits at once and survives a handler that fails.
  ['update', 'live', 'save', 'save'],
  ['update', 'gone', 'save, 409', 'save, 409'],
  ['update', 'superseded', 'save, 409', 'save, 409'],
  ['sign in', 'live', 'save, cookie', NOTHING],
  ['sign in', 'gone', 'save, create, cookie', NOTHING],
  ['sign in', 'superseded', 'save, create, cookie', NOTHING],
  ...ended('delete, deletion'),
]

const LIVE_USER: readonly Row[] = (['live', 'gone', 'superseded'] as const).flatMap((fate): Row[] => [
  ['sign in another', fate, 'delete, create, cookie', NOTHING],
  ['sign out', fate, 'delete, deletion', 'delete, deletion'],
  ['sign out, then set', fate, 'delete, create, cookie', 'delete, deletion'],
  ['sign out, then in', fate, 'delete, create, cookie', NOTHING],
  ['sign in, then out', fate, 'delete, deletion', 'delete, deletion'],
])

const LIVE_NOBODY: readonly Row[] = [
  ['sign in another', 'live', 'save, cookie', NOTHING],
  ['sign in another', 'gone', 'save, create, cookie', NOTHING],
  ['sign in another', 'superseded', 'save, create, cookie', NOTHING],
  ['sign out', 'live', NOTHING, NOTHING],
  ['sign out', 'gone', NOTHING, NOTHING],
  ['sign out, then set', 'live', 'save', NOTHING],
  ['sign out, then set', 'gone', 'save, 409', NOTHING],
  ['sign out, then in', 'live', 'save, cookie', NOTHING],
  ['sign in, then out', 'live', 'delete, deletion', 'delete, deletion'],
]

const reads: readonly Row[] = [
  ['read', 'live', NOTHING, NOTHING],
  ['renew', 'live', NOTHING, NOTHING],
  ['sign out', 'live', NOTHING, NOTHING],
  ['sign in, then out', 'live', NOTHING, NOTHING],
]
const signsIn: readonly Row[] = [
  ['sign in', 'live', 'create, cookie', NOTHING],
  ['sign in another', 'live', 'create, cookie', NOTHING],
  ['sign out, then in', 'live', 'create, cookie', NOTHING],
]
const begins: readonly Row[] = [
  ...reads,
  ...signsIn,
  ['set', 'live', 'create, cookie', NOTHING],
  ['sign out, then set', 'live', 'create, cookie', NOTHING],
  ['update', 'live', 'create, cookie', NOTHING],
  ['delete', 'live', NOTHING, NOTHING],
  ['clear', 'live', NOTHING, NOTHING],
  ['set, then delete', 'live', NOTHING, NOTHING],
]
const refuses: readonly Row[] = [
  ...reads,
  ...signsIn,
  ['set', 'live', '409', NOTHING],
  ['sign out, then set', 'live', '409', NOTHING],
  ['update', 'live', '409', NOTHING],
  ['delete', 'live', '409', NOTHING],
  ['clear', 'live', '409', NOTHING],
  ['set, then delete', 'live', '409', NOTHING],
]
const ends = (how: string): readonly Row[] => ended(how).filter(([, fate]) => fate === 'live')

const TABLE: Readonly<Record<ArrivalKind, readonly Row[]>> = {
  'a live session of ada': [...LIVE, ...LIVE_USER],
  'a live session of nobody': [...LIVE, ...LIVE_NOBODY],
  'no cookie': [...begins, ...ends(NOTHING)],
  'a forged token': [...begins, ...ends('deletion')],
  'an unknown token': [...begins, ...ends('deletion')],
  'an expired session': [...begins, ...ends('deletion')],
  'a token past its absolute end': [...begins, ...ends('deletion')],
  'a token superseded longer ago': [...begins, ...ends('deletion')],
  'a token superseded 30 s ago': [...refuses, ...ends('delete, deletion')],
  'two live tokens': [...refuses, ...ends('deletion')],
}

const BELOW_500 = [200, 302, 404, 499]
const FROM_500 = [500, 503]

/** All of them where the most rows are, one of each for the others. */
const statuses = (arrival: ArrivalKind, all: readonly number[]) =>
  arrival === 'a live session of ada' ? all : all.slice(0, 1)

async function spoil(world: World, browser: Browser, id: string, fate: Fate): Promise<void> {
  if (fate === 'gone') await world.store.drop(id)
  if (fate === 'superseded') await browser.copy().ask((session) => session.renew())
  world.forget()
}

/** Runs one row, and says what came of it in the words of the table. */
async function outcomeOf(arrival: ArrivalKind, action: Action, fate: Fate, status: number): Promise<string> {
  const { world, browser } = await arrive(arrival)
  const visit = await browser.visit()
  await spoil(world, browser, visit.session.id, fate)
  const thrown: unknown = await Promise.resolve()
    .then(() => ACTIONS[action](visit.session))
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  const answer = await visit.answer(thrown === undefined ? status : 409)
  return describeOutcome(world, { ...answer, error: thrown ?? answer.error })
}

function describeOutcome(world: World, { cookie, error }: Answer): string {
  const what: string[] = [...world.store.writes]
  if (cookie !== undefined) what.push(cookie.maxAge === 0 ? 'deletion' : 'cookie')
  if (error instanceof ConflictError) what.push(String(error.status))
  else if (error !== undefined) throw error
  return what.join(', ') || NOTHING
}

describe.each(Object.entries(TABLE))('rule 17, a request with %s', (arrival, rows) => {
  it.each(rows)(
    'that does "%s", its record being %s, answers: %s; with 5xx: %s',
    async (action, fate, below, from) => {
      const kind = arrival as ArrivalKind // a key of the table
      for (const status of statuses(kind, BELOW_500))
        expect(await outcomeOf(kind, action, fate, status), `${status}`).toBe(below)
      for (const status of statuses(kind, FROM_500))
        expect(await outcomeOf(kind, action, fate, status), `${status}`).toBe(from)
    },
  )
})

describe('rule 17', () => {
  it.each([
    ['setting', (session: Session) => session.set('x', 'y'.repeat(100))],
    ['changing in place', (session: Session) => (session.get('cart') as string[]).push('y'.repeat(100))],
    ['signing in again', (session: Session) => session.setUserId('ada').set('x', 'y'.repeat(100))],
    ['changing the user', (session: Session) => session.setUserId('bob').set('x', 'y'.repeat(100))],
    ['signing out', (session: Session) => session.setUserId(undefined).set('x', 'y'.repeat(100))],
  ])('%s beyond maxValuesBytes is a ValueError: nothing written, no Set-Cookie', async (_name, change) => {
    const world = new World({ maxValuesBytes: 64 })
    const browser = await world.browserWith('ada', { cart: ['a'] })
    const before = await world.look(browser)
    const visit = await browser.visit()
    change(visit.session)
    const { error, cookie } = await visit.answer()
    expect(error).toBeInstanceOf(ValueError)
    expect((error as Error).message).toContain('64 bytes')
    expect(cookie).toBeUndefined()
    expect(await world.look(browser)).toEqual(before)
  })

  it('whoever sets nothing is let in to a session that is larger than maxValuesBytes, and can make it smaller', async () => {
    const before = new World()
    const { token } = await before.browserWith(undefined, { cart: 'y'.repeat(100), x: 1 })
    const world = new World({ store: before.store, maxValuesBytes: 64 })
    const browser = world.browser(token)
    await browser.ask((session) => session.setUserId('ada'))
    await expect(browser.ask((session) => session.set('x', 2))).rejects.toBeInstanceOf(ValueError)
    await browser.ask((session) => session.delete('cart'))
    expect(await world.look(browser)).toMatchObject({ userId: 'ada', values: { x: 1 } })
  })

  it.each([
    ['a live session of ada', 'gone', 'the session ended before its changes were saved'],
    ['a token superseded 30 s ago', 'live', 'the session was renewed by another request'],
    ['two live tokens', 'live', 'two sessions came in one request'],
  ] as const)('of %s that is %s, a write says what became of it', async (arrival, fate, message) => {
    const { world, browser } = await arrive(arrival)
    const visit = await browser.visit()
    await spoil(world, browser, visit.session.id, fate)
    visit.session.set('x', 1)
    expect(String((await visit.answer()).error)).toContain(message)
  })

  it('update() beyond maxValuesBytes is a ValueError and writes nothing', async () => {
    const world = new World({ maxValuesBytes: 64 })
    const browser = await world.browserWith('ada', { cart: ['a'] })
    const { session } = await browser.visit()
    await expect(session.update('x', () => 'y'.repeat(100))).rejects.toBeInstanceOf(ValueError)
    expect((await world.look(browser)).values).toEqual({ cart: ['a'] })
  })

  it('counts maxValuesBytes over the record as it stands, whatever runs in parallel', async () => {
    const world = new World({ maxValuesBytes: 64 })
    const browser = await world.browserWith('ada')
    const visits = await Promise.all([browser.visit(), browser.visit()])
    visits.forEach(({ session }, i) => void session.set(`k${i}`, 'y'.repeat(40)))
    const [first, second] = await Promise.all(visits.map((visit) => visit.answer()))
    expect(first?.error).toBeUndefined()
    expect(second?.error).toBeInstanceOf(ValueError)
  })

  it('a value of exactly maxValuesBytes is stored, one more byte is not (R-076)', async () => {
    const world = new World({ maxValuesBytes: 20 })
    const fits = 'é'.repeat(6) // {"x":"…"} is 8 bytes
    await world.browser().ask((session) => session.set('x', fits))
    const tooLong = world.browser().ask((session) => session.set('x', `${fits}y`))
    await expect(tooLong).rejects.toBeInstanceOf(ValueError)
  })

  it.each([500, 503, 200])('a due touch is written with status %i, and sends no cookie', async (status) => {
    const world = new World()
    const browser = await world.browserWith('ada', { cart: [1] })
    world.advance(60)
    const visit = await browser.visit()
    const { cookie } = await visit.answer(status)
    expect(world.store.calls).toEqual(['get', 'touch'])
    expect(cookie).toBeUndefined()
  })

  it('a due touch is written where a 5xx drops the changes', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { cart: [1] })
    world.advance(60)
    const visit = await browser.visit()
    visit.session.set('cart', [2]).renew()
    await visit.answer(500)
    expect(world.store.calls).toEqual(['get', 'touch'])
    expect((await world.look(browser)).values).toEqual({ cart: [1] })
  })

  it('destroy with two live tokens ends neither', async () => {
    const { world, browser } = await arrive('two live tokens')
    await browser.copy().ask((session) => session.destroy())
    const [ada, bob] = (browser.token ?? '').split('; __Host-id=')
    expect((await world.look(world.browser(ada))).userId).toBe('ada')
    expect((await world.look(world.browser(bob))).userId).toBe('bob')
  })

  it('destroy with a token superseded 30 s ago ends the session that lives under the newer secret', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const newer = browser.copy()
    await newer.ask((session) => session.renew())
    await browser.ask((session) => session.destroy())
    expect((await world.look(newer)).userId).toBeUndefined()
  })

  it('a double-clicked login ends signed in, whichever answer arrives last', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const world = new World()
      const browser = await world.browserWith(undefined, { cart: [1] })
      const visits = [await browser.visit(), await browser.visit()]
      for (const { session } of visits) session.setUserId('ada').set('from', 'login')
      const answers = [await visits[0]?.answer(), await visits[1]?.answer()]
      for (const i of order) browser.receive(answers[i] ?? { cookie: undefined })
      expect(await world.look(browser)).toMatchObject({ userId: 'ada', values: { from: 'login' } })
    }
  })

  it('the record that a late login creates holds only what that request set', async () => {
    const world = new World()
    const browser = await world.browserWith(undefined, { cart: [1], secretOfBefore: true })
    const late = await browser.visit()
    late.session.get('cart')
    await browser.copy().ask((session) => session.setUserId('bob'))
    late.session.setUserId('ada').set('x', 1).delete('cart')
    browser.receive(await late.answer())
    expect(await world.look(browser)).toMatchObject({ userId: 'ada', values: { x: 1 } })
    expect(late.session.values()).toEqual({ x: 1 })
    expect(late.session.id).toBe((await world.look(browser)).id)
  })

  it('a cookie is deleted with the attributes it was set with (R-108, R-169)', async () => {
    const cookie = {
      name: '__Secure-x',
      domain: 'example.com',
      path: '/app',
      sameSite: 'none',
      partitioned: true,
    } as const
    const world = new World({ cookie })
    const browser = world.browser()
    const set = await browser.ask((session) => session.set('a', 1))
    const deleted = await browser.ask((session) => session.destroy())
    expect(deleted.cookie).toEqual({ ...set.cookie, value: '', maxAge: 0 })
    expect(deleted.cookie).toMatchObject({ ...cookie, secure: true, httpOnly: true })
  })
})
