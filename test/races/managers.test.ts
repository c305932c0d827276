import { fakeBrowser } from 'coatcheck/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { atOnce, inRounds } from '../../src/testing/race-rounds.ts'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { type Answer, type RemoteServer, received, type Step, startServers } from './remote-server.ts'

const KEY = 'a key of the races between processes'
const ROUNDS = 50 * scale

const range = (length: number) => Array.from({ length }, (_, i) => i)
const outcomes = (answers: readonly Answer[]) => answers.map(({ outcome }) => outcome).sort()

describe('SessionManager in two processes', { timeout: 60_000 * scale }, () => {
  let servers: readonly [RemoteServer, RemoteServer]
  let a: RemoteServer
  let b: RemoteServer

  beforeAll(async () => {
    const url = await createDatabase(inject('postgres')[18])
    servers = await startServers(url, { authKey: [KEY] })
    ;[a, b] = servers
  })

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
  })

  /** A browser that is signed in, and shows it. */
  async function aSignedInBrowser(userId: string, ...steps: readonly Step[]) {
    const browser = fakeBrowser()
    await a.visit(browser, ['signIn', userId], ...steps)
    expect(await b.visit(browser)).toMatchObject({ outcome: 'answered', userId })
    return browser
  }

  it('keeps every key that parallel requests of one browser set', async () => {
    let kept = 0
    await inRounds(ROUNDS, async (round) => {
      const browser = await aSignedInBrowser('ada')
      const requests = range(20).map(
        (i) => () => (i % 2 === 0 ? a : b).request(browser, ['set', `key${i}`, i]),
      )
      const answers = await atOnce(round, requests)
      expect(outcomes(answers)).toEqual(Array(20).fill('answered'))
      const { values } = await b.visit(browser)
      expect(values).toEqual(Object.fromEntries(range(20).map((i) => [`key${i}`, i])))
      kept += Object.keys(values).length
    })
    expect(kept).toBe(ROUNDS * 20)
    console.log(`${kept} of ${ROUNDS * 20} keys kept, of 20 requests at once`)
  })

  it('revives no session by a slow write that ends after its sign-out, or beside it', async () => {
    let revived = 0
    let written = 0
    await inRounds(ROUNDS, async (round) => {
      const browser = await aSignedInBrowser('bob', ['set', 'cart', 1])
      const slow = await a.begin(browser)
      const write = () => slow.finish(['set', 'late', true])
      const signOut = () => b.request(browser, ['destroy'])
      const isAfter = round % 2 === 0
      const [gone, late] = isAfter ? [await signOut(), await write()] : await atOnce(round, [signOut, write])
      expect(gone.outcome).toBe('answered')
      expect(late.outcome).toMatch(isAfter ? /^ERR_SESSION_CONFLICT$/ : /^(answered|ERR_SESSION_CONFLICT)$/)
      expect(late.cookies).toEqual([])
      if (late.outcome === 'answered') written += 1
      for (const server of servers) {
        const { userId, values } = await server.request(browser)
        if (userId !== undefined || Object.keys(values).length > 0) revived += 1
      }
    })
    expect(await a.listSessions('bob')).toEqual([])
    expect(revived).toBe(0)
    console.log(`0 of ${ROUNDS} sessions revived; ${written} slow writes came before the sign-out`)
  })

  it('lets no renewal escape a revokeAll that was called after its session was signed in', async () => {
    let renewed = 0
    await inRounds(ROUNDS, async (round) => {
      const userId = `eve${round}`
      const browsers = [await aSignedInBrowser(userId), await aSignedInBrowser(userId)] as const
      const [count, ...answers] = await atOnce(round, [
        () => a.revokeAll(userId),
        () => b.request(browsers[0], ['renew']),
        () => a.request(browsers[1], ['renew'], ['set', 'k', 1]),
      ])
      expect(count).toBe(2)
      for (const [index, browser] of browsers.entries()) {
        const answer = answers[index]
        if (answer?.outcome === 'answered') renewed += 1
        else expect(answer?.outcome).toBe('ERR_SESSION_CONFLICT')
        if (answer !== undefined) received(browser, answer)
        expect((await b.visit(browser)).userId).toBeUndefined()
        expect((await a.visit(browser)).userId).toBeUndefined()
      }
      expect(await b.listSessions(userId)).toEqual([])
    })
    console.log(`0 of ${ROUNDS * 2} sessions escaped; ${renewed} renewals came before the revocation`)
  })

  it('ends a double sign-in signed in, whichever answer arrives last', async () => {
    let second = 0
    await inRounds(ROUNDS, async (round) => {
      const browser = fakeBrowser()
      await a.visit(browser, ['set', 'cart', [1]])
      const before = new Map(browser.cookies)
      const answers = await atOnce(round, [
        () => a.request(browser, ['signIn', 'ada'], ['set', 'from', 'a']),
        () => b.request(browser, ['signIn', 'ada'], ['set', 'from', 'b']),
      ])
      expect(outcomes(answers)).toEqual(['answered', 'answered'])
      const orders = [answers, answers.toReversed()]
      for (const order of orders) {
        const arriving = fakeBrowser({ cookie: toText(before) })
        for (const answer of order) received(arriving, answer)
        const { userId, values } = await a.visit(arriving)
        expect(userId).toBe('ada')
        if (values.cart === undefined) second += 1
      }
      // The token from before the sign-in opens nothing.
      expect((await b.visit(fakeBrowser({ cookie: toText(before) }))).userId).toBeUndefined()
    })
    console.log(
      `${ROUNDS} double sign-ins ended signed in; ${second} of ${ROUNDS * 2} in a record of their own`,
    )
  })

  it('gives a one-time token to one of many requests, and loses no increment', async () => {
    let taken = 0
    await inRounds(ROUNDS, async (round) => {
      const browser = await aSignedInBrowser('ada', ['set', 'token', `once${round}`])
      const requests = range(6).map(
        (i) => () => (i % 2 === 0 ? a : b).request(browser, ['takeAtOnce', 'token'], ['increment', 'n']),
      )
      const answers = await atOnce(round, requests)
      expect(outcomes(answers)).toEqual(Array(6).fill('answered'))
      const tokens = answers.map(({ updated }) => updated[0]).filter((token) => token !== undefined)
      expect(tokens).toEqual([`once${round}`])
      expect((await b.visit(browser)).values).toEqual({ n: 6 })
      taken += tokens.length
    })
    expect(taken).toBe(ROUNDS)
    console.log(
      `${taken} one-time tokens taken once each, by one of six requests; ${6 * ROUNDS} increments kept`,
    )
  })
})

function toText(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}
