import { ValueError } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { START, World } from './world.ts'

async function threeSessions() {
  const world = new World()
  const browsers = [
    await world.browserWith('ada'),
    await world.browserWith('ada'),
    await world.browserWith('ada'),
  ]
  const ids = await Promise.all(browsers.map(async (browser) => (await world.look(browser)).id))
  const [first = '', second = '', third = ''] = ids
  world.forget()
  return { world, browsers, ids: { first, second, third } }
}

describe('SessionManager.listSessions', () => {
  it('lists the live sessions of one user, last used first, with nothing that opens one (R-016)', async () => {
    const { world, browsers, ids } = await threeSessions()
    await world.browserWith('bob')
    await world.browserWith(undefined, { x: 1 })
    world.advance(60)
    await browsers[1]?.ask((session) => session.userId)
    const sessions = await world.manager.listSessions('ada')
    expect(sessions.map(({ id }) => id)[0]).toBe(ids.second)
    expect(sessions.map(({ id }) => id).sort()).toEqual(Object.values(ids).sort())
    expect(sessions[0]).toEqual({
      id: ids.second,
      userId: 'ada',
      createdAt: new Date(START),
      signedInAt: new Date(START),
      lastSeenAt: new Date(START + 60_000),
      expiresAt: new Date(START + 60_000 + 86_400_000),
      address: '192.0.2.7',
      userAgent: 'Test/1',
    })
    world.advance(86_400)
    expect(await world.manager.listSessions('ada')).toEqual([])
  })

  it('tells when a session began apart from when its user signed in', async () => {
    const world = new World()
    const browser = await world.browserWith(undefined, { x: 1 })
    world.advance(60)
    await browser.ask((session) => session.setUserId('ada'))
    const [listed] = await world.manager.listSessions('ada')
    expect(listed).toMatchObject({ createdAt: new Date(START), signedInAt: new Date(START + 60_000) })
  })

  it('lists no session after its user signed out, or another took it over', async () => {
    const { world, browsers } = await threeSessions()
    await browsers[0]?.ask((session) => session.setUserId(undefined))
    await browsers[1]?.ask((session) => session.setUserId('bob'))
    expect(await world.manager.listSessions('ada')).toHaveLength(1)
    expect(await world.manager.listSessions('bob')).toHaveLength(1)
  })
})

describe('SessionManager.listSessions, page by page', () => {
  it('asks the store for the page, 1,000 entries where nothing else is said', async () => {
    const { world } = await threeSessions()
    const told: unknown[] = []
    const listByUser = world.store.listByUser.bind(world.store)
    world.store.listByUser = (userId, now, page) => {
      told.push(page)
      return listByUser(userId, now, page)
    }
    const [first] = await world.manager.listSessions('ada', { limit: 1 })
    expect(await world.manager.listSessions('ada', { after: first })).toHaveLength(2)
    expect(await world.manager.listSessions('ada', { limit: undefined, after: undefined })).toHaveLength(3)
    expect(told).toEqual([
      { limit: 1, after: undefined },
      { limit: 1000, after: { id: first?.id, lastSeenAt: START } },
      { limit: 1000, after: undefined },
    ])
  })

  it('goes on from an id and a time that were kept elsewhere, like in a URL', async () => {
    const { world } = await threeSessions()
    const [first, ...others] = await world.manager.listSessions('ada')
    const after = { id: String(first?.id), lastSeenAt: new Date(Number(first?.lastSeenAt)) }
    expect(await world.manager.listSessions('ada', { after })).toEqual(others)
  })

  it('refuses a limit that is no whole number from 1 to 1,000, before it asks the store', async () => {
    const { world } = await threeSessions()
    for (const limit of [0, -1, 1.5, 1001, Number.NaN, Number.POSITIVE_INFINITY, '10', null]) {
      const listing = world.manager.listSessions('ada', { limit: limit as number }) // on purpose
      await expect(listing).rejects.toThrow(/^limit must be a whole number from 1 to 1000, not /)
      await expect(listing).rejects.toBeInstanceOf(ValueError)
    }
    expect(await world.manager.listSessions('ada', { limit: 1000 })).toHaveLength(3)
    expect(world.store.calls).toEqual(['listByUser'])
  })

  it('refuses an entry to go on behind that cannot be one, before it asks the store', async () => {
    const { world } = await threeSessions()
    const lastSeenAt = new Date(START)
    for (const id of ['\0', 'a\ud800', 7, undefined, null]) {
      const after = { id: id as string, lastSeenAt } // on purpose
      await expect(world.manager.listSessions('ada', { after })).rejects.toThrow(/^after\.id must be /)
    }
    for (const wrong of [new Date(Number.NaN), START, `${START}`, undefined, null]) {
      const after = { id: '', lastSeenAt: wrong as Date } // on purpose
      const listing = world.manager.listSessions('ada', { after })
      await expect(listing).rejects.toThrow(/^after\.lastSeenAt must be the time of an entry/)
      await expect(listing).rejects.toBeInstanceOf(ValueError)
    }
    expect(world.store.calls).toEqual([])
  })
})

describe('SessionManager.find', () => {
  it('finds the session that somebody is signed in to', async () => {
    const { world, ids } = await threeSessions()
    expect(await world.manager.find(ids.first)).toMatchObject({ id: ids.first, userId: 'ada' })
    expect(world.store.calls).toEqual(['get'])
  })

  it('finds neither a session of nobody, nor one that is over', async () => {
    const world = new World()
    const anonymous = await world.look(await world.browserWith(undefined, { x: 1 }))
    const { id } = await world.look(await world.browserWith('ada'))
    expect(await world.manager.find(anonymous.id)).toBeUndefined()
    world.advance(86_400)
    expect(await world.manager.find(id)).toBeUndefined()
  })

  it('finds nothing under any other text, and does not ask the store', async () => {
    const { world, ids } = await threeSessions()
    for (const id of [
      ids.first.toUpperCase(),
      `{${ids.first}}`,
      ids.first.replaceAll('-', ''),
      '',
      `${ids.first} `,
      ` ${ids.first}`,
      '\0',
      7,
      null,
    ]) {
      expect(await world.manager.find(id as string)).toBeUndefined() // on purpose
    }
    expect(world.store.calls).toEqual([])
  })
})

describe('SessionManager.revoke', () => {
  it('ends one session of the user, at once and once (R-010, R-016)', async () => {
    const { world, browsers, ids } = await threeSessions()
    expect(await world.manager.revoke('ada', ids.first)).toBe(true)
    expect(await world.manager.revoke('ada', ids.first)).toBe(false)
    const users = await Promise.all(browsers.map(async (browser) => (await world.look(browser)).userId))
    expect(users).toEqual([undefined, 'ada', 'ada'])
  })

  it('ends no session of another user, and none of nobody', async () => {
    const { world, browsers, ids } = await threeSessions()
    const anonymous = await world.browserWith(undefined, { x: 1 })
    expect(await world.manager.revoke('bob', ids.first)).toBe(false)
    expect(await world.manager.revoke('Ada', ids.first)).toBe(false)
    expect(await world.manager.revoke('ada', (await world.look(anonymous)).id)).toBe(false)
    expect((await world.look(browsers[0] ?? anonymous)).userId).toBe('ada')
    expect((await world.look(anonymous)).isNew).toBe(false)
  })

  it('is false for any other string, without asking the store', async () => {
    const { world, ids } = await threeSessions()
    for (const id of [ids.first.toUpperCase(), '', 'x', `{${ids.first}}`, '../x', '\0', 7]) {
      expect(await world.manager.revoke('ada', id as string)).toBe(false) // on purpose
    }
    expect(world.store.calls).toEqual([])
  })

  it('keeps a slow request from bringing the session back', async () => {
    const { world, browsers, ids } = await threeSessions()
    const visit = await browsers[0]?.visit()
    visit?.session.set('x', 1)
    await world.manager.revoke('ada', ids.first)
    expect(await visit?.answer()).toMatchObject({
      error: { code: 'ERR_SESSION_CONFLICT' },
      cookie: undefined,
    })
    expect(await world.manager.find(ids.first)).toBeUndefined()
  })
})

describe('SessionManager.revokeAll', () => {
  it('ends every session of the user and no other’s (R-011, R-014)', async () => {
    const { world, browsers } = await threeSessions()
    const bob = await world.browserWith('bob')
    expect(await world.manager.revokeAll('ada')).toBe(3)
    expect(await world.manager.revokeAll('ada')).toBe(0)
    for (const browser of browsers) expect((await world.look(browser)).isNew).toBe(true)
    expect((await world.look(bob)).userId).toBe('bob')
  })

  it('keeps the one that is excepted (R-012)', async () => {
    const { world, browsers, ids } = await threeSessions()
    expect(await world.manager.revokeAll('ada', { except: ids.second })).toBe(2)
    const users = await Promise.all(browsers.map(async (browser) => (await world.look(browser)).userId))
    expect(users).toEqual([undefined, 'ada', undefined])
    expect(await world.manager.revokeAll('ada', { except: undefined })).toBe(1)
  })

  it('asks the store for no exception that is no id, whatever a request named (rule 12)', async () => {
    for (const except of ['', '\0', '\ud800', 'other']) {
      const { world } = await threeSessions()
      const { store } = world
      const told: unknown[] = []
      const deleteByUser = store.deleteByUser.bind(store)
      store.deleteByUser = (userId, options) => {
        told.push(options?.except)
        return deleteByUser(userId, options)
      }
      expect(await world.manager.revokeAll('ada', { except })).toBe(3)
      expect(told).toEqual([undefined])
    }
  })

  it('is not escaped by a renewal or a sign-in under way', async () => {
    const { world, browsers } = await threeSessions()
    const visits = await Promise.all(browsers.map((browser) => browser.visit()))
    visits[0]?.session.renew()
    visits[1]?.session.set('x', 1)
    await world.manager.revokeAll('ada')
    for (const visit of visits) await visit.answer()
    expect(await world.manager.listSessions('ada')).toEqual([])
  })
})

describe('SessionManager.close', () => {
  it('waits for what is under way, and begins nothing of its own afterwards', async () => {
    const world = new World()
    const browser = await world.browserWith('ada', { n: 1 })
    world.advance(60)
    const [writing, reading, updating] = [await browser.visit(), await browser.visit(), await browser.visit()]
    world.forget()
    const releases: (() => void)[] = []
    world.store.before = () => new Promise<void>((resolve) => void releases.push(resolve))
    writing.session.set('x', 1)
    const work: readonly Promise<unknown>[] = [
      writing.answer(),
      reading.answer(),
      updating.session.update('n', () => 2),
      world.manager.revoke('bob', writing.session.id),
      world.manager.listSessions('ada'),
      browser.visit(),
    ]
    let isClosed = false
    const closing = world.manager.close().then(() => (isClosed = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(releases).toHaveLength(6)
    while (releases.length > 0) {
      expect(isClosed).toBe(false)
      releases.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await closing
    await Promise.all(work)
    expect(world.store.writes.sort()).toEqual(['delete', 'save', 'save', 'touch'])
  })

  it('closes the store once, however often it is called', async () => {
    const world = new World()
    let closed = 0
    const store = Object.assign(world.store, {
      close: async () => {
        closed += 1
        if (closed > 1) throw new Error('closed already')
      },
    })
    const { manager } = new World({ store })
    await manager[Symbol.asyncDispose]()
    expect(closed).toBe(1)
    await Promise.all([manager.close(), manager.close()])
    await manager.close()
    expect(closed).toBe(1)
  })

  it('waits for the second statement of a commit as well', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const visit = await browser.visit()
    visit.session.setUserId('bob')
    const done: string[] = []
    world.store.before = async (operation) => {
      await new Promise((resolve) => setImmediate(resolve))
      done.push(operation)
    }
    const answering = visit.answer()
    await world.manager.close()
    expect(done).toEqual(['delete', 'create'])
    await answering
  })
})
