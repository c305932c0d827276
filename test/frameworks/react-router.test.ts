import { describe, expect, it } from 'vitest'
import { type Framework, itKeepsSessions, useSite } from './site.ts'

describe('React Router', () => {
  const framework: Framework = {
    name: 'react-router',
    build: async (program) => {
      await program.run('react-router', ['build'])
      await program.run('react-router', ['typegen'])
      await program.run('tsc', ['-p', 'tsconfig.json'])
    },
    start: {
      command: () => ['node_modules/@react-router/serve/bin.js', 'build/server/index.js'],
      ready: /react-router-serve\] http/,
    },
    environment: { NODE_ENV: 'production' },
    routes: { signIn: '/sign-in?user=ada', signOut: '/sign-out', forbidden: '/sign-in?user=eve' },
    thrown: 500,
  }
  const site = useSite(framework)
  itKeepsSessions(site, framework)

  it('answers 503 for a page too, with Vary', async () => {
    const visitor = site.visitor()
    await visitor.signIn()
    await site.withoutStore(async () => {
      const { status, headers, body } = await visitor.browser.ask('/')
      expect([status, body]).toEqual([503, 'Service Unavailable\n'])
      expect(headers.vary).toContain('Cookie')
    })
  })
})
