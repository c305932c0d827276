import { describe, expect, it } from 'vitest'
import { isSignedOut, signIn, useStage, writeNote } from './stage.ts'

const DAY = 86_400

describe('signing in', () => {
  const stage = useStage()

  it('shows the name and a message, the message once', async () => {
    const { page } = await stage.visitor()
    await signIn(page, 'Ada <b>Lovelace</b>')
    await expect(page.getByText('Signed in as Ada <b>Lovelace</b>').isVisible()).resolves.toBe(true)
    await expect(page.getByRole('status').innerText()).resolves.toBe('Welcome, Ada <b>Lovelace</b>.')
    await page.reload()
    await expect(page.getByRole('status').count()).resolves.toBe(0)
  })

  it('asks again for a name that is missing, and says what is wrong', async () => {
    const { page } = await stage.visitor()
    await page.goto('/')
    await page.getByLabel('Your name').fill('   ')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.getByRole('alert').innerText()).resolves.toBe('Enter a name.')
    await expect(page.getByLabel('Your name').getAttribute('aria-invalid')).resolves.toBe('true')
  })

  it('gives a visitor no cookie before there is something to remember', async () => {
    const { page, context } = await stage.visitor()
    await page.goto('/')
    await page.goto('/devices')
    await expect(context.cookies()).resolves.toEqual([])
  })

  it('sets a cookie that ends with the browser and that no script can read (R-025, R-096, R-099)', async () => {
    const { page, context } = await stage.visitor()
    await signIn(page, 'ada')
    const cookies = await context.cookies()
    expect(cookies).toMatchObject([
      { name: 'id', path: '/', httpOnly: true, sameSite: 'Lax', secure: false, expires: -1 },
    ])
    await expect(page.evaluate('document.cookie')).resolves.toBe('')
  })

  it('remembers a device for 30 days if asked to (R-099)', async () => {
    const { page, context } = await stage.visitor()
    await signIn(page, 'ada', { remember: true })
    const [cookie] = await context.cookies()
    const days = ((cookie?.expires ?? 0) - Date.now() / 1000) / DAY
    expect(days).toBeGreaterThan(29.9)
    expect(days).toBeLessThanOrEqual(30)
  })

  it('replaces the credential that was there before (R-007, R-103)', async () => {
    const { page, context } = await stage.visitor()
    await page.goto('/')
    await page.getByRole('button', { name: 'Dark' }).click()
    await page.locator('html[data-theme=dark]').waitFor()
    const before = await context.cookies()
    await signIn(page, 'ada')
    const after = await context.cookies()
    expect(after).toHaveLength(1)
    expect(after[0]?.value).not.toBe(before[0]?.value)

    const thief = await stage.visitor()
    await thief.context.addCookies(before)
    await expect(isSignedOut(thief.page)).resolves.toBe(true)
    await expect(isSignedOut(page)).resolves.toBe(false)
  })

  it('keeps the theme that was chosen before, also after signing out', async () => {
    const { page } = await stage.visitor()
    await page.goto('/')
    await page.getByRole('button', { name: 'Dark' }).click()
    const isDark = page.locator('html[data-theme=dark]')
    await isDark.waitFor()
    await signIn(page, 'ada')
    await isDark.waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await isDark.waitFor()
  })

  it('signs a browser with a tampered cookie out, and nothing more (R-004, R-102)', async () => {
    const { page, context } = await stage.visitor()
    await signIn(page, 'ada')
    await writeNote(page, 'still here')
    const cookies = await context.cookies()
    const forged = cookies.map((cookie) => ({ ...cookie, value: withOneCharacterChanged(cookie.value) }))
    await context.addCookies(forged)
    const answer = await page.goto('/')
    expect(answer?.status()).toBe(200)
    await expect(answer?.headerValue('set-cookie')).resolves.toBeNull()
    await expect(isSignedOut(page)).resolves.toBe(true)

    await context.addCookies(cookies)
    await page.goto('/')
    await page.getByText('still here').waitFor()
  })

  it('shows nothing of another user to the one who signs in on the same browser', async () => {
    const { page } = await stage.visitor()
    await signIn(page, 'ada')
    await writeNote(page, 'only for ada')
    const form = { name: 'charles' }
    await page.request.post('/sign-in', { form })
    await page.goto('/')
    await page.getByText('Signed in as charles').waitFor()
    await expect(page.getByText('only for ada').count()).resolves.toBe(0)
  })
})

function withOneCharacterChanged(token: string): string {
  const middle = Math.floor(token.length / 2)
  return token.slice(0, middle) + (token[middle] === 'A' ? 'B' : 'A') + token.slice(middle + 1)
}
