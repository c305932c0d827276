import { describe, expect, it } from 'vitest'
import { isSignedOut, signIn, useStage, writeNote } from './stage.ts'

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'

describe('the devices page', () => {
  const stage = useStage()

  it('lists every device with its name and address, and marks this one (R-016, R-117)', async () => {
    const desktop = await stage.visitor({ userAgent: WINDOWS })
    const phone = await stage.visitor({ userAgent: IPHONE })
    await signIn(desktop.page, 'grace')
    await signIn(phone.page, 'grace', { remember: true })
    await phone.page.goto('/devices')
    const here = phone.page.getByRole('list', { name: 'This device' }).getByRole('listitem')
    const others = phone.page.getByRole('list', { name: 'Other devices' }).getByRole('listitem')
    await expect(here.allInnerTexts()).resolves.toMatchObject([
      expect.stringMatching(/Safari on iPhone\s+This device\s+Address\s+127\.0\.0\.1[\s\S]*in 14 days/),
    ])
    await expect(others.allInnerTexts()).resolves.toMatchObject([
      expect.stringMatching(/Firefox on Windows\s+Sign out[\s\S]*in 2 hours/),
    ])
  })

  it('lists nobody else', async () => {
    const barbara = await stage.visitor()
    const margaret = await stage.visitor()
    await signIn(barbara.page, 'barbara')
    await signIn(margaret.page, 'margaret')
    await margaret.page.goto('/devices')
    await margaret.page.getByText('You are signed in nowhere else.').waitFor()
  })

  it('signs out one other device at its next click (R-010, R-016)', async () => {
    const desktop = await stage.visitor({ userAgent: WINDOWS })
    const phone = await stage.visitor({ userAgent: IPHONE })
    await signIn(desktop.page, 'edith')
    await signIn(phone.page, 'edith')
    await phone.page.goto('/devices')
    await phone.page.getByRole('list', { name: 'Other devices' }).getByRole('button').click()
    await expect(phone.page.getByRole('status').innerText()).resolves.toBe('That device is signed out.')

    await desktop.page.getByLabel('New note').fill('written too late')
    await desktop.page.getByRole('button', { name: 'Save note' }).click()
    await desktop.page.getByText('Sign in to go on.').waitFor()
    await expect(isSignedOut(phone.page)).resolves.toBe(false)
  })

  it('signs out all others and keeps this one (R-012)', async () => {
    const visitors = await Promise.all([stage.visitor(), stage.visitor(), stage.visitor()])
    const [first, second, third] = visitors
    for (const { page } of visitors) await signIn(page, 'joan')
    await writeNote(first.page, 'kept here')
    await first.page.goto('/devices')
    await first.page.getByRole('button', { name: 'Sign out all others' }).click()
    await expect(first.page.getByRole('status').innerText()).resolves.toBe('2 other devices are signed out.')
    await expect(isSignedOut(second.page)).resolves.toBe(true)
    await expect(isSignedOut(third.page)).resolves.toBe(true)
    await expect(isSignedOut(first.page)).resolves.toBe(false)
    await first.page.getByText('kept here').waitFor()
  })

  it('ends no session of another user, whoever names it (R-016)', async () => {
    const victim = await stage.visitor()
    const thief = await stage.visitor()
    await signIn(victim.page, 'katherine')
    const second = await stage.visitor()
    await signIn(second.page, 'katherine')
    await second.page.goto('/devices')
    const action = await second.page
      .getByRole('list', { name: 'Other devices' })
      .locator('form')
      .getAttribute('action')
    await signIn(thief.page, 'mallory')
    await thief.page.request.post(String(action), { maxRedirects: 0 })
    await thief.page.goto('/devices')
    await expect(thief.page.getByRole('status').innerText()).resolves.toBe(
      'That device was signed out already.',
    )
    await expect(isSignedOut(victim.page)).resolves.toBe(false)
  })
})
