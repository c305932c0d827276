import { describe, expect, it } from 'vitest'
import { type Framework, itKeepsSessions, useSite } from './site.ts'

for (const platform of ['express', 'fastify']) {
  describe(`NestJS on ${platform}`, () => {
    const framework: Framework = {
      name: 'nest',
      build: (program) => program.run('tsc', ['-p', 'tsconfig.json']),
      start: { command: () => ['dist/main.js'], ready: /^http:\/\/localhost:\d+$/m },
      environment: { PLATFORM: platform },
      routes: { signIn: '/sign-in?user=ada', signOut: '/sign-out', forbidden: '/sign-in?user=eve' },
      thrown: 503,
    }
    const site = useSite(framework)
    itKeepsSessions(site, framework)

    it("answers a store that fails as Nest's exception filter does", async () => {
      const visitor = site.visitor()
      await visitor.signIn()
      await site.withoutStore(async () => {
        const { status, headers, body } = await visitor.browser.ask('/')
        expect([status, headers.vary, JSON.parse(body)]).toEqual([
          503,
          'Cookie',
          { statusCode: 503, message: 'Service Unavailable' },
        ])
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
}
