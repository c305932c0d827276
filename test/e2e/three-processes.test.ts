import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { aVisitor, launchBrowser } from './browser.ts'
import { aFolder, type InboxProcess, removeFolder, startInbox } from './inbox-process.ts'
import { isSignedOut, signIn, writeNote } from './stage.ts'

const PATIENCE = { timeout: 120_000 }

/** People who read one page again and again, four at once, and what they see. */
function startUsers(url: string, headers: Record<string, string>) {
  const seen = { signedIn: 0, broken: 0, other: 0 }
  let isOver = false
  const use = async () => {
    while (!isOver) {
      const response = await fetch(url, { headers }).catch(() => undefined)
      const text = await response?.text()
      if (response === undefined || response.status === 502) seen.broken += 1
      else if (text?.includes('Your notes') === true) seen.signedIn += 1
      else seen.other += 1
    }
  }
  const users = Array.from({ length: 4 }, use)
  return {
    seen,
    async stop() {
      isOver = true
      await Promise.all(users)
    },
  }
}

describe('three processes behind one address, over one Redis', { timeout: 300_000 }, () => {
  let redis: RedisServer
  let folder: string
  let processes: readonly InboxProcess[]
  let balancer: Balancer
  let browser: Browser

  beforeAll(async () => {
    redis = await startRedis()
    folder = await aFolder()
    const environment = { REDIS_URL: `redis://127.0.0.1:${redis.node.port}` }
    // One folder, so that all of them sign with one key.
    processes = await Promise.all([1, 2, 3].map(() => startInbox(folder, environment)))
    balancer = await startBalancer(processes.map(({ url }) => url))
    browser = await launchBrowser()
  })

  afterAll(async () => {
    await browser?.close()
    await balancer?.close()
    await Promise.all((processes ?? []).map((it) => it.kill()))
    await redis?.stop()
    await removeFolder(folder)
  })

  it('share their sessions, and go on when one of them is killed while people use it', async () => {
    const { page, context } = await aVisitor(browser, balancer.url)
    await signIn(page, 'ada')
    await writeNote(page, 'written while all three run')
    expect(balancer.answered.every((count) => count > 0)).toBe(true)

    const [cookie] = await context.cookies()
    const headers = { cookie: `${cookie?.name}=${cookie?.value}` }
    const { seen, stop } = startUsers(balancer.url, headers)
    try {
      await expect.poll(() => seen.signedIn, PATIENCE).toBeGreaterThan(50)
      await processes[0]?.kill()
      const before = seen.signedIn
      await expect.poll(() => seen.signedIn, PATIENCE).toBeGreaterThan(before + 50)
    } finally {
      await stop()
    }

    console.log(
      `one of three killed: ${seen.signedIn} answered, ${seen.broken} broken off, ${seen.other} signed out`,
    )
    expect(seen.other).toBe(0)
    expect(seen.broken).toBeLessThanOrEqual(4) // those that were with it when it died
    await page.goto('/')
    await page.getByText('written while all three run').waitFor()
    await writeNote(page, 'written with two left')
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
    expect(await isSignedOut(page)).toBe(true)
    expect(await (await fetch(balancer.url, { headers })).text()).not.toContain('Your notes')
  })
})
