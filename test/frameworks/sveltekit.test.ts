import { describe, expect, it } from 'vitest'
import { type Framework, itKeepsSessions, useSite } from './site.ts'

describe('SvelteKit', () => {
  const framework: Framework = {
    name: 'sveltekit',
    build: async (program) => {
      await program.run('vite', ['build'])
      await program.run('tsc', ['-p', 'tsconfig.json'])
    },
    start: { command: () => ['build/index.js'], ready: /^Listening on /m },
    environment: { PROTOCOL_HEADER: 'x-forwarded-proto' },
    routes: { signIn: '/?/signIn&user=ada', signOut: '/?/signOut', forbidden: '/?/signIn&user=eve' },
    thrown: 500,
    form: (port) => ({
      accept: 'text/html', // or SvelteKit answers as to its own script
      'content-type': 'application/x-www-form-urlencoded',
      'x-forwarded-proto': 'http',
      origin: `http://127.0.0.1:${port}`,
    }),
  }
  const site = useSite(framework)
  itKeepsSessions(site, framework)

  it("signs in and out for SvelteKit's own script, which sends forms without leaving the page", async () => {
    const visitor = site.visitor()
    const headers = { ...framework.form?.(site.running.port), accept: 'application/json' }
    const signedIn = await visitor.browser.ask('/?/signIn&user=ada', { method: 'POST', headers })
    expect([signedIn.status, signedIn.json()]).toEqual([
      200,
      { type: 'redirect', status: 303, location: '/' },
    ])
    expect(await visitor.read()).toMatch(/^Hello ada/)
    await visitor.browser.ask('/?/signOut', { method: 'POST', headers })
    expect(await visitor.read()).toMatch(/^Hello stranger/)
  })

  it('answers 503 for a page too, with Vary', async () => {
    const visitor = site.visitor()
    await visitor.signIn()
    await site.withoutStore(async () => {
      const { status, headers, body } = await visitor.browser.ask('/')
      expect([status, headers.vary, body]).toEqual([503, 'Cookie', 'Service Unavailable\n'])
    })
  })

  it('keeps the address of the client', async () => {
    await site.query('truncate sessions')
    await site.visitor().signIn()
    expect(await site.query('select address from sessions')).toEqual([
      { address: expect.stringMatching(/127\.0\.0\.1$/) },
    ])
  })
})
