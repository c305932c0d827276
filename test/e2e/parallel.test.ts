import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { isSignedOut, signIn, useStage } from './stage.ts'

const ROUNDS = 8

/** Runs in the page: requests that read and write, with a sign-in among them, all under way at once. */
const REQUESTS_ROUND_A_SIGN_IN = `(async () => {
  const post = (path, fields) => fetch(path, { method: 'POST', body: new URLSearchParams(fields) })
  const others = (theme) => [fetch('/'), post('/theme', { theme }), fetch('/devices'), post('/theme', { theme: 'dark' })]
  const answers = await Promise.all([...others('light'), ...others('dark'),
    post('/sign-in', { name: 'ada' }), ...others('light'), ...others('dark')])
  return answers.map((answer) => answer.status)
})()`

/** The reads come first because a browser opens its connections one after another. */
const A_DOZEN_SIGN_INS = `(async () => {
  const dozen = (request) => Promise.all(Array.from({ length: 12 }, request))
  await dozen(() => fetch('/'))
  const answers = await dozen(() => fetch('/sign-in', { method: 'POST', body: new URLSearchParams({ name: 'ada' }) }))
  return answers.map((answer) => answer.redirected)
})()`

describe('parallel requests of one browser', () => {
  // Not the embedded store: it answers so soon that one request is over before the next one starts.
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await startPostgres(18)
  })
  afterAll(() => postgres.stop())
  const stage = useStage(() => ({ DATABASE_URL: postgres.url }))

  it('never end signed out round a sign-in (R-149)', async () => {
    // The page's own policy lets it fetch nothing; these requests stand for other tabs.
    const { page } = await stage.visitor({ bypassCSP: true })
    const outcomes: boolean[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      await startAnonymousSession(page)
      const statuses = await page.evaluate<number[]>(REQUESTS_ROUND_A_SIGN_IN)
      expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([])
      outcomes.push(await isSignedOut(page))
      await page.getByRole('button', { name: 'Sign out' }).click()
    }
    expect(outcomes).toEqual(Array.from({ length: ROUNDS }, () => false))
  })

  it('never end signed out when a form is sent while they are under way (R-149)', async () => {
    const { page } = await stage.visitor({ bypassCSP: true })
    for (let round = 0; round < ROUNDS; round += 1) {
      await startAnonymousSession(page)
      await page.getByLabel('Your name').fill('ada')
      await page.evaluate(
        `void ${REQUESTS_ROUND_A_SIGN_IN.replace(/post\('\/sign-in'[^)]*\),/, '')}.catch(() => {})`,
      )
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('heading', { name: 'Your notes' }).waitFor()
      await expect(isSignedOut(page)).resolves.toBe(false)
      await page.getByRole('button', { name: 'Sign out' }).click()
    }
  })

  it('end signed in when the sign-in button is clicked twice', async () => {
    const { page } = await stage.visitor({ bypassCSP: true })
    for (let round = 0; round < ROUNDS; round += 1) {
      await startAnonymousSession(page)
      await page.getByLabel('Your name').fill('ada')
      await page.getByRole('button', { name: 'Sign in' }).dblclick()
      await page.getByRole('heading', { name: 'Your notes' }).waitFor()
      await expect(isSignedOut(page)).resolves.toBe(false)
      await page.getByRole('button', { name: 'Sign out' }).click()
    }
  })

  it('all sign in, from a dozen tabs at once', async () => {
    const { page } = await stage.visitor({ bypassCSP: true })
    for (let round = 0; round < ROUNDS; round += 1) {
      await startAnonymousSession(page)
      // Sent on to the notes, which may be 409: their message is taken from a session that another one renews.
      const sentOn = await page.evaluate<boolean[]>(A_DOZEN_SIGN_INS)
      expect(sentOn).toEqual(Array.from({ length: 12 }, () => true))
      await expect(isSignedOut(page)).resolves.toBe(false)
      await page.getByRole('button', { name: 'Sign out' }).click()
    }
  })

  it('lose none of 20 notes that are added at once', async () => {
    const { page } = await stage.visitor({ bypassCSP: true })
    await signIn(page, 'ada')
    const texts = Array.from({ length: 20 }, (_, index) => `note number ${index}`)
    const statuses = await page.evaluate<number[]>(`Promise.all(${JSON.stringify(texts)}.map(async (text) => {
      const answer = await fetch('/notes', { method: 'POST', body: new URLSearchParams({ text }) })
      return answer.status
    }))`)
    expect(statuses).toEqual(texts.map(() => 200))
    await page.goto('/')
    const kept = await page.getByRole('list', { name: 'Notes' }).locator('.note-text').allInnerTexts()
    expect(kept.sort()).toEqual(texts.sort())
  })
})

async function startAnonymousSession(page: Page): Promise<void> {
  await page.goto('/')
  await page.getByRole('button', { name: 'Light' }).click()
  await page.locator('html[data-theme=light]').waitFor()
}
