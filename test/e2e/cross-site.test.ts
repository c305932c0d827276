import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendForm } from './raw-form.ts'
import { isSignedOut, signIn, useStage } from './stage.ts'

const HOST = 'inbox.example'
const stage = useStage()

describe('a form on a page of another origin', () => {
  let attacker: Server
  let port: number

  beforeAll(async () => {
    attacker = createServer((incoming, response) => {
      const target = new URL(incoming.url ?? '', 'http://attacker').searchParams.get('target') ?? ''
      response.setHeader('Content-Type', 'text/html')
      response.end(attackPage(target))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => attacker.once('listening', resolve))
    port = (attacker.address() as AddressInfo).port // it listens on a port, not on a pipe
  })
  afterAll(() => attacker.close())

  const attack = async (page: Page, host: string, path: string) => {
    await page.goto(`http://${host}:${port}/?target=${encodeURIComponent(stage.url + path)}`)
    const answer = page.waitForResponse((response) => response.url() === stage.url + path)
    await page.getByRole('button').click()
    return answer
  }

  it('signs nobody in (R-029, R-175, R-142)', async () => {
    const { page, context } = await stage.visitor()
    const answer = await attack(page, '127.0.0.1', '/sign-in')
    expect(answer.status()).toBe(403)
    await page.getByRole('heading', { name: 'Refused' }).waitFor()
    await expect(context.cookies()).resolves.toEqual([])
  })

  // The same site for SameSite=Lax, which knows no ports: there the cookie does come along.
  it.each(['127.0.0.1', 'localhost'])(
    'changes nothing, sent from %s (R-029, R-175, R-176, R-196)',
    async (host) => {
      const { page } = await stage.visitor()
      await signIn(page, 'ada')
      for (const path of ['/notes', '/sign-out', '/devices/end-others', '/theme', '/sign-in']) {
        const answer = await attack(page, host, path)
        expect([path, answer.status()]).toEqual([path, 403])
        await expect(answer.headerValue('set-cookie')).resolves.toBeNull()
      }
      await expect(isSignedOut(page)).resolves.toBe(false)
      await page.getByText('Nothing here yet').waitFor()
      await page.getByText('Signed in as ada').waitFor()
    },
  )
})

describe('the same-origin check (R-126, R-127, R-128, R-137, R-196)', () => {
  it.each([
    ['R-173', 'POST', { 'sec-fetch-site': 'same-origin' }, 303],
    ['R-174', 'POST', { 'sec-fetch-site': 'none' }, 303],
    ['R-175', 'POST', { 'sec-fetch-site': 'cross-site' }, 403],
    ['R-175', 'POST', { 'sec-fetch-site': 'cross-site', origin: `http://${HOST}` }, 403],
    ['R-176', 'POST', { 'sec-fetch-site': 'same-site' }, 403],
    ['R-177', 'POST', { 'sec-fetch-site': 'Same-Origin' }, 403],
    ['R-177', 'POST', { 'sec-fetch-site': ['same-origin', 'cross-site'] }, 403],
    ['R-178', 'POST', {}, 303],
    ['R-179', 'POST', { origin: `https://${HOST}` }, 303],
    ['R-181', 'POST', { origin: 'https://attacker.example' }, 403],
    ['R-181', 'POST', { origin: 'null' }, 403],
    ['R-181', 'POST', { origin: `https://${HOST}.attacker.example` }, 403],
    ['R-181', 'POST', { origin: `https://${HOST}:8443` }, 403],
    ['R-184', 'POST', { origin: `https://${HOST}@attacker.example` }, 403],
    ['R-185', 'GET', { 'sec-fetch-site': 'cross-site' }, 200],
    ['R-186', 'DELETE', { 'sec-fetch-site': 'cross-site' }, 403],
    ['R-186', 'PATCH', { 'sec-fetch-site': 'cross-site' }, 403],
  ] as const)('%s: %s with %o is answered %i', async (_requirement, method, headers, status) => {
    const answer = await sendForm(stage.url, method, { host: HOST, ...headers })
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.setCookie).toBeUndefined()
  })
})

function attackPage(target: string): string {
  return `<form method="post" action="${encodeURI(target)}">
<input name="name" value="mallory"><input name="text" value="written by mallory"><input name="theme" value="dark">
<button>Win a prize</button></form>`
}
