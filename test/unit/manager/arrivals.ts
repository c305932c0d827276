import { type Browser, World } from './world.ts'

/** What a request can come with. */
export type ArrivalKind =
  | 'no cookie'
  | 'a live session of nobody'
  | 'a live session of ada'
  | 'a forged token'
  | 'an unknown token'
  | 'an expired session'
  | 'a token past its absolute end'
  | 'a token superseded 30 s ago'
  | 'a token superseded longer ago'
  | 'two live tokens'

/** A world with a browser that comes with this; calls and events begin anew. */
export async function arrive(kind: ArrivalKind): Promise<{ world: World; browser: Browser }> {
  const world = new World()
  const browser = await browserOf(world, kind)
  world.forget()
  return { world, browser }
}

async function browserOf(world: World, kind: ArrivalKind): Promise<Browser> {
  if (kind === 'no cookie') return world.browser()
  if (kind === 'a live session of nobody') return world.browserWith(undefined, { cart: [1] })
  if (kind === 'a forged token') {
    const stranger = new World({ authKey: 'another key of at least 32 bytes, really' })
    return world.browser((await stranger.browserWith('ada')).token)
  }
  const browser = await world.browserWith('ada', { cart: [1] })
  switch (kind) {
    case 'a live session of ada':
      break
    case 'an unknown token':
      await world.store.drop((await world.look(browser)).id)
      break
    case 'an expired session':
      world.advance(86_400)
      break
    case 'a token past its absolute end':
      world.advance(2_592_000)
      break
    case 'a token superseded 30 s ago':
      await browser.copy().ask((session) => session.renew())
      world.advance(30)
      break
    case 'a token superseded longer ago':
      await browser.copy().ask((session) => session.renew())
      world.advance(30.001)
      break
    case 'two live tokens': {
      const other = await world.browserWith('bob', { cart: [2] })
      return world.browser(`${browser.token}; __Host-id=${other.token}`)
    }
  }
  return browser
}
