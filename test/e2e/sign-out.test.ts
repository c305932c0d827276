import { describe, expect, it } from 'vitest'
import { isSignedOut, signIn, useStage, writeNote } from './stage.ts'

describe('signing out', () => {
  const stage = useStage(() => ({}), { backForwardCache: true })

  it('leaves nothing private behind the back button (R-074, R-110)', async () => {
    const { page } = await stage.visitor()
    await signIn(page, 'Ada Lovelace')
    await writeNote(page, 'the difference engine')
    await page.getByRole('link', { name: 'Devices' }).click()
    await page.getByRole('heading', { name: 'Signed-in devices' }).waitFor()
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()

    const steps = Number(await page.evaluate('history.length')) - 1
    expect(steps).toBeGreaterThanOrEqual(2)
    for (let step = 0; step < steps; step += 1) {
      await page.evaluate('history.back()').catch(() => 'the page went while it answered')
      await page.waitForLoadState()
      const text = await page.locator('body').innerText()
      expect(text).not.toContain('Ada')
      expect(text).not.toContain('difference')
    }
  })

  it('takes the cookie away and makes it worthless (R-010, R-108, R-204)', async () => {
    const { page, context } = await stage.visitor()
    await signIn(page, 'ada')
    const kept = await context.cookies()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await expect(context.cookies()).resolves.toEqual([])
    await context.addCookies(kept)
    await expect(isSignedOut(page)).resolves.toBe(true)
  })

  it('works twice, as from two tabs (R-013, R-212)', async () => {
    const { page, context } = await stage.visitor()
    await signIn(page, 'ada')
    const other = await context.newPage()
    await other.goto('/')
    for (const tab of [page, other]) {
      await tab.getByRole('button', { name: 'Sign out' }).click()
      await tab.getByRole('heading', { name: 'Sign in' }).waitFor()
    }
  })
})
