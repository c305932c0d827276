import { describe, expect, it } from 'vitest'
import { sendForm } from './raw-form.ts'
import { isSignedOut, signIn, useStage } from './stage.ts'

// Chromium takes http://localhost for a secure context, so it stores and sends Secure cookies there.
describe('the cookie behind TLS', () => {
  const stage = useStage(() => ({ INBOX_ORIGIN: 'https://inbox.example' }))

  it('is __Host-, Secure, HttpOnly and Lax, and a browser takes it (R-022, R-024, R-097, R-213, R-214)', async () => {
    const { page, context } = await stage.visitor()
    await signIn(page, 'ada')
    const cookies = await context.cookies(stage.url.replace('http:', 'https:'))
    expect(cookies).toMatchObject([
      {
        name: '__Host-id',
        domain: 'localhost',
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
        expires: -1,
      },
    ])
    await expect(page.evaluate('document.cookie')).resolves.toBe('')
    await expect(isSignedOut(page)).resolves.toBe(false)
  })

  it('goes when its owner signs out (R-108)', async () => {
    const { page, context } = await stage.visitor()
    await signIn(page, 'ada', { remember: true })
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await expect(context.cookies(stage.url.replace('http:', 'https:'))).resolves.toEqual([])
  })

  it('belongs to an origin that is known, so plain http is another one (R-180, R-139)', async () => {
    const host = 'inbox.example'
    const plain = await sendForm(stage.url, 'POST', { host, origin: `http://${host}` })
    const own = await sendForm(stage.url, 'POST', { host, origin: `https://${host}` })
    expect([plain.status, own.status]).toEqual([403, 303])
  })
})
