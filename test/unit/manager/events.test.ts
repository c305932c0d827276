import { inspect } from 'node:util'
import { ConflictError, type Session, type SessionEvent, SessionManager } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { describe, expect, it } from 'vitest'
import { type ArrivalKind, arrive } from './arrivals.ts'
import { AUTH_KEY, FakeExchange, World } from './world.ts'

/** An event without what the world decides. */
const facts = (events: readonly SessionEvent[]) => events.map(({ at: _at, ...fact }) => fact)

const fail = (): never => {
  throw new Error('mine')
}

const NOBODY = { userId: undefined }

/** Runs one request of ada, whose session holds `x`, and gives what was told of it, and the ids. */
async function told(
  change: (session: Session, world: World) => unknown,
  { userId }: { userId: string | undefined } = { userId: 'ada' },
) {
  const world = new World()
  const browser = await world.browserWith(userId, { x: 1 })
  const { id } = await world.look(browser)
  const visit = await browser.visit()
  world.forget()
  await change(visit.session, world)
  await visit.answer()
  for (const { at } of world.events) expect(at).toEqual(new Date(world.now))
  return { events: facts(world.events), id, newId: visit.session.id }
}

describe('SessionManagerOptions.onEvent', () => {
  it('is told nothing of a request that brings no cookie and is given nothing', async () => {
    const world = new World()
    await world.browser().ask((session) => session.get('x'))
    expect(world.events).toEqual([])
  })

  it('is told of a session that is created, and of who signs in with it', async () => {
    const world = new World()
    const visit = await world.browser().visit()
    visit.session.set('x', 1)
    await visit.answer()
    const other = await world.browser().visit()
    other.session.setUserId('ada').set('x', 1)
    await other.answer()
    expect(facts(world.events)).toEqual([
      { type: 'created', id: visit.session.id, userId: undefined },
      { type: 'created', id: other.session.id, userId: 'ada' },
      { type: 'signed-in', id: other.session.id, userId: 'ada' },
    ])
  })

  it('is told of a session that is loaded', async () => {
    for (const userId of ['ada', undefined]) {
      const world = new World()
      const browser = await world.browserWith(userId, { x: 1 })
      const { session } = await browser.visit()
      expect(facts(world.events)).toEqual([{ type: 'loaded', id: session.id, userId }])
    }
  })

  it('is told of what is saved, renewed, signed in, out and destroyed, once each (R-083)', async () => {
    const saved = await told((session) => session.set('y', 1).delete('x'))
    expect(saved.events).toEqual([{ type: 'saved', id: saved.id }])

    for (const remove of [(s: Session) => s.delete('x'), (s: Session) => s.clear()]) {
      const removed = await told(remove)
      expect(removed.events).toEqual([{ type: 'saved', id: removed.id }])
    }

    const updated = await told((session) => session.update('n', () => 1))
    expect(updated.events).toEqual([{ type: 'saved', id: updated.id }])

    const unchanged = await told((session) => session.update('x', (old) => old))
    expect(unchanged.events).toEqual([])

    const renewed = await told((session) => session.renew())
    expect(renewed.events).toEqual([{ type: 'renewed', id: renewed.id }])

    const both = await told((session) => session.renew().set('y', 1))
    expect(both.events).toEqual([
      { type: 'renewed', id: both.id },
      { type: 'saved', id: both.id },
    ])

    const signedIn = await told((session) => session.setUserId('ada'), NOBODY)
    expect(signedIn.events).toEqual([{ type: 'signed-in', id: signedIn.id, userId: 'ada' }])

    const again = await told((session) => session.setUserId('ada').renew())
    expect(again.events).toEqual([{ type: 'signed-in', id: again.id, userId: 'ada' }])

    const signedOut = await told((session) => session.setUserId(undefined))
    expect(signedOut.events).toEqual([{ type: 'signed-out', id: signedOut.id, userId: 'ada' }])

    const replaced = await told((session) => session.setUserId('bob'))
    expect(replaced.events).toEqual([
      { type: 'signed-out', id: replaced.id, userId: 'ada' },
      { type: 'created', id: replaced.newId, userId: 'bob' },
      { type: 'signed-in', id: replaced.newId, userId: 'bob' },
    ])

    const destroyed = await told((session) => session.destroy())
    expect(destroyed.events).toEqual([{ type: 'destroyed', id: destroyed.id, userId: 'ada' }])

    const nobody = await told((session) => session.destroy(), NOBODY)
    expect(nobody.events).toEqual([{ type: 'destroyed', id: nobody.id, userId: undefined }])

    const inAndOut = await told((session) => session.setUserId('ada').setUserId(undefined), NOBODY)
    expect(inAndOut.events).toEqual([{ type: 'destroyed', id: inAndOut.id, userId: undefined }])
  })

  it('is told of no user where the token that ends a session is not its own any more', async () => {
    const { world, browser } = await arrive('a token superseded 30 s ago')
    const visit = await browser.visit()
    world.forget()
    visit.session.destroy()
    await visit.answer()
    expect(facts(world.events)).toMatchObject([{ type: 'destroyed', userId: undefined }])
  })

  it('may be left out, whatever happens', async () => {
    const world = new World({ onEvent: undefined })
    const browser = await world.browserWith('ada')
    const others = [await world.browserWith('ada'), await world.browserWith('ada')]
    const { id } = await world.look(others[0] ?? browser)
    expect((await world.look(world.browser('forged'))).isNew).toBe(true)
    await browser.ask((session) => session.renew().set('x', 1))
    await browser.ask((session) => session.update('x', () => 2))
    expect(await world.manager.revoke('ada', id)).toBe(true)
    expect(await world.manager.revokeAll('ada', { except: (await world.look(browser)).id })).toBe(1)
    await browser.ask((session) => session.setUserId('bob'))
    const visit = await browser.visit()
    await browser.ask((session) => session.destroy())
    await expect(visit.session.update('x', () => 3)).rejects.toBeInstanceOf(ConflictError)
    expect(world.events).toEqual([])
  })

  it('is told of no end that had come before', async () => {
    for (const end of [(s: Session) => s.destroy(), (s: Session) => s.setUserId(undefined)]) {
      const { events } = await told(async (session, world) => {
        await world.store.drop(session.id)
        end(session)
      })
      expect(events).toEqual([])
    }
  })

  it('is told of a touch', async () => {
    const { events, id } = await told((_session, world) => {
      world.advance(0)
    })
    expect(events).toEqual([])
    const world = new World()
    const browser = await world.browserWith('ada')
    world.advance(60)
    const visit = await browser.visit()
    world.forget()
    await visit.answer()
    expect(facts(world.events)).toEqual([{ type: 'touched', id: visit.session.id }])
    expect(id).toBeDefined()
  })

  it('is told of a write that was lost, and why', async () => {
    const gone = await told(async (session, world) => {
      await world.store.drop(session.id)
      session.set('y', 1)
    })
    expect(gone.events).toEqual([{ type: 'lost', id: gone.id, reason: 'gone' }])

    const world = new World()
    const browser = await world.browserWith('ada')
    const visit = await browser.visit()
    await browser.copy().ask((session) => session.renew())
    world.forget()
    visit.session.set('y', 1)
    await visit.answer()
    expect(facts(world.events)).toEqual([{ type: 'lost', id: visit.session.id, reason: 'superseded' }])
  })

  it.each([
    ['a token superseded 30 s ago', 'superseded'],
    ['two live tokens', 'ambiguous'],
  ] as const)('is told of a write that came with %s', async (kind, reason) => {
    const { world, browser } = await arrive(kind)
    const visit = await browser.visit()
    world.forget()
    visit.session.set('y', 1)
    await visit.answer()
    expect(facts(world.events)).toMatchObject([{ type: 'lost', reason }])
  })

  it.each([
    ['a forged token', ['unknown-key'], false],
    ['an unknown token', ['unknown'], true],
    ['an expired session', ['unknown'], true],
    ['a token past its absolute end', ['expired'], true],
    ['a token superseded 30 s ago', ['superseded'], true],
    ['a token superseded longer ago', ['superseded'], true],
    ['two live tokens', ['ambiguous', 'ambiguous'], true],
  ] as const)('is told why %s was rejected: %s (rule 5, R-085)', async (kind, reasons, hasId) => {
    const { world, browser } = await arrive(kind satisfies ArrivalKind)
    await browser.visit()
    expect(world.events).toMatchObject(reasons.map((reason) => ({ type: 'rejected', reason })))
    for (const event of world.events) expect('id' in event && event.id !== undefined).toBe(hasId)
  })

  it('is told why a cookie that anybody could make was rejected (R-113)', async () => {
    const world = new World()
    const { token = '' } = await world.browserWith('ada')
    const tampered = `${token.slice(0, 60)}${token[60] === 'A' ? 'B' : 'A'}${token.slice(61)}`
    for (const [value, reason] of [
      ['', 'malformed'],
      ['garbage', 'malformed'],
      [tampered, 'bad-signature'],
    ] as const) {
      world.forget()
      await world.browser(value).visit()
      expect(facts(world.events)).toEqual([{ type: 'rejected', reason, id: undefined }])
      expect(world.store.calls).toEqual([])
    }
  })

  it('is told of what is revoked, id by id', async () => {
    const world = new World()
    const browsers = [await world.browserWith('ada'), await world.browserWith('ada')]
    const ids = await Promise.all(browsers.map(async (browser) => (await world.look(browser)).id))
    world.forget()
    await world.manager.revoke('ada', ids[0] ?? '')
    await world.manager.revoke('ada', ids[0] ?? '')
    await world.manager.revokeAll('ada')
    await world.manager.revokeAll('ada')
    expect(facts(world.events)).toEqual(ids.map((id) => ({ type: 'revoked', id, userId: 'ada' })))
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
    ['hangs', () => new Promise<void>(() => undefined)],
    [
      'returns a broken thenable',
      () => Object.defineProperty({}, 'then', { get: () => fail() }) as Promise<void>, // what JavaScript lets through
    ],
  ])('does no harm where it %s (R-089)', async (_name, onEvent) => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const world = new World({ onEvent })
    const browser = await world.browserWith('ada', { x: 1 })
    await browser.ask((session) => session.set('x', 2))
    expect(await world.look(browser)).toMatchObject({ userId: 'ada', values: { x: 2 } })
    await browser.ask((session) => session.destroy())
    await world.manager.cleanup()
    await world.manager.close()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('what is told and thrown', () => {
  it('holds no token, secret, hash, key or value (rule 9, R-025, R-084, R-115)', async () => {
    const encryptionKey = 'another key of at least 32 bytes, really'
    for (const options of [{}, { encryptionKey }]) {
      const shown: unknown[] = []
      const tokens: string[] = []
      const world = new World({ ...options, onEvent: (event) => void shown.push(event) })
      const browser = await world.browserWith('ada', { card: 'hunter2' })
      const keep = () => void (browser.token !== undefined && tokens.push(browser.token))
      keep()
      const lateVisit = await browser.visit()
      await browser.ask((session) => session.renew().set('card', 'hunter2-bis'))
      keep()
      lateVisit.session.set('card', 'hunter2')
      shown.push((await lateVisit.answer()).error, lateVisit.session)
      const visit = await browser.visit()
      visit.session.set('card', 'hunter2')
      shown.push(visit.session, JSON.stringify(visit.session), visit.exchange.request)
      const attempt = (run: () => unknown) => {
        try {
          run()
        } catch (error) {
          shown.push(error)
        }
      }
      attempt(() => visit.session.set('card', ['hunter2', 10n]))
      attempt(() => visit.session.setUserId('hunter2\0'))
      attempt(() => Object.assign(visit.session, { card: 'hunter2' }))
      world.store.before = () => Promise.reject(new Error('down'))
      shown.push((await visit.answer()).error)
      world.store.before = () => undefined
      await browser.copy().visit()
      shown.push(await world.manager.listSessions('ada'), world.manager)
      const text = shown.map((part) => inspect(part, { depth: 12, showHidden: true })).join('\n')

      const record = await world.store.peek(visit.session.id, world.now)
      const secrets = [
        AUTH_KEY,
        encryptionKey,
        'hunter2',
        record?.secretHash ?? 'no record',
        ...tokens.flatMap(partsOf),
      ]
      // The store of this test remembers records; a manager shows its store as the store shows itself.
      for (const secret of secrets) expect(text.includes(secret), `${secret.slice(0, 3)}…`).toBe(false)
      expect(text).toContain(visit.session.id)
    }
  })

  it('a manager over MemoryStore shows nothing of its sessions', async () => {
    const manager = new SessionManager({ store: new MemoryStore(), authKey: AUTH_KEY })
    const exchange = new FakeExchange()
    const session = await manager.start(exchange)
    session.setUserId('ada').set('card', 'hunter2')
    await manager.refresh(exchange, session)
    const text = inspect(manager, { depth: 12, showHidden: true })
    for (const secret of [AUTH_KEY, 'hunter2', 'ada', ...partsOf(exchange.cookie?.value ?? '')]) {
      expect(text.includes(secret)).toBe(false)
    }
    expect(JSON.stringify(manager)).not.toMatch(/hunter2|ada/)
    await manager.close()
  })
})

/** A token, and the secret in it where it is signed, in the spellings that a log could show. */
function partsOf(token: string): string[] {
  const bytes = Buffer.from(token, 'base64url')
  const secret = bytes.subarray(35, 67)
  return [
    token,
    bytes.toString('hex'),
    secret.toString('hex'),
    secret.toString('base64url'),
    secret.toString('base64'),
  ]
}
