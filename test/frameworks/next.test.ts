import { describe, expect, it } from 'vitest'
import { type Framework, helloOf, itKeepsSessions, useSite, type Visitor } from './site.ts'

/** How not to do it: what is thrown counts as a failure. */
const THROWN_REDIRECT = `
import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { redirect } from 'next/navigation'
import { manager } from '../../manager'

export const POST = sessions(manager, (): Response => {
  getSession(manager)?.setUserId('ada')
  redirect('/')
})
`

/** What a component cannot do. */
const CHANGING_COMPONENT = `
import { SessionError } from 'coatcheck'
import { readSession } from '../../session'

export default async function Changing() {
  const session = await readSession()
  try {
    session.set('theme', 'dark')
    return <p>changed</p>
  } catch (error) {
    return <p>{error instanceof SessionError ? error.code : 'another error'}</p>
  }
}
`

describe('Next.js', () => {
  const framework: Framework = {
    name: 'next',
    files: {
      'app/thrown-redirect/route.ts': THROWN_REDIRECT,
      'app/changing/page.tsx': CHANGING_COMPONENT,
    },
    build: (program) => program.run('tsc', ['-p', 'tsconfig.json']),
    // Compiles a page when it is first asked for: in all, a fifth of what `next build` takes.
    start: {
      command: (port) => ['node_modules/next/dist/bin/next', 'dev', '-H', '127.0.0.1', '-p', String(port)],
      ready: /Ready in/,
    },
    routes: { signIn: '/sign-in?user=ada', signOut: '/sign-out', forbidden: '/sign-in?user=eve' },
    thrown: 500,
  }
  const site = useSite(framework)

  describe('route handlers', () => {
    itKeepsSessions(site, framework)

    it('drop what they changed if they throw redirect(), which is an error to whoever is around them', async () => {
      const visitor = site.visitor()
      const { status, setCookies } = await visitor.post('/thrown-redirect')
      expect([status, setCookies]).toEqual([307, []])
      expect(await visitor.read()).toMatch(/^Hello stranger/)
    })
  })

  describe('server actions', () => {
    it('sign in, without any script in the browser, and the page that they answer with knows it', async () => {
      const visitor = site.visitor()
      const { status, cookie, html } = await submit(visitor)
      expect([status, helloOf(html)]).toEqual([200, expect.stringMatching(/^Hello ada\./)])
      expect(cookie).toMatch(/^__Host-id=[\w-]+; Path=\/; Secure; HttpOnly; SameSite=lax$/)
      expect(await visitor.read()).toMatch(/^Hello ada\./)
    })

    it('sign out, and redirect after the commit', async () => {
      const visitor = site.visitor()
      await visitor.signIn()
      const thief = visitor.copy()
      const { status, cookie } = await submit(visitor)
      expect([status, cookie]).toEqual([303, expect.stringMatching(/^__Host-id=; .*Max-Age=0/)])
      expect(await visitor.read()).toMatch(/^Hello stranger/)
      expect(await thief.read()).toMatch(/^Hello stranger/)
    })

    it('answer 500 and no cookie if the commit fails: a body cannot be replaced, nor a status chosen', async () => {
      const visitor = site.visitor()
      await visitor.signIn()
      const form = await formOf(visitor)
      await site.withoutWrites(async () => {
        const { status, cookie } = await post(visitor, form)
        expect([status, cookie]).toEqual([500, undefined])
      })
      expect(await visitor.read()).toMatch(/^Hello ada/)
    })
  })

  describe('server components', () => {
    it('read the session, and touch it when that is due', async () => {
      await site.query('truncate sessions')
      const visitor = site.visitor()
      await visitor.signIn()
      await site.query("update sessions set last_seen_at = last_seen_at - interval '2 hours'")
      await visitor.read()
      expect(
        await site.query("select last_seen_at > now() - interval '1 hour' as touched from sessions"),
      ).toEqual([{ touched: true }])
    })

    it('are never cached, though they cannot set Vary or Cache-Control', async () => {
      const visitor = site.visitor()
      await visitor.signIn()
      const { headers } = await visitor.browser.ask('/')
      expect(headers['cache-control']).toContain('no-store')
      expect(headers.vary).not.toContain('Cookie')
    })

    it('cannot change the session', async () => {
      const visitor = site.visitor()
      await visitor.signIn()
      const { body, setCookies } = await visitor.browser.ask('/changing')
      expect(body).toContain('ERR_SESSION_STATE')
      expect(setCookies).toEqual([])
    })
  })

  describe('the proxy', () => {
    it('sends strangers away, and lets people through', async () => {
      const visitor = site.visitor()
      const { status, headers } = await visitor.browser.ask('/account')
      expect([status, new URL(headers.location ?? '', 'http://localhost').pathname]).toEqual([303, '/'])
      await visitor.signIn()
      expect((await visitor.browser.ask('/account')).body.replaceAll('<!-- -->', '')).toContain(
        'The account of ada.',
      )
    })
  })
})

interface Answer {
  readonly status: number
  readonly cookie: string | undefined
  readonly html: string
}

/** Sends the form of the first page as a browser without scripts does. */
async function submit(visitor: Visitor): Promise<Answer> {
  return post(visitor, await formOf(visitor))
}

/** The fields of the form: which action, and what is typed. */
async function formOf({ browser }: Visitor): Promise<FormData> {
  const { body } = await browser.ask('/')
  const form = new FormData()
  for (const [input] of body.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1]
    if (name !== undefined) form.append(name, /value="([^"]*)"/.exec(input)?.[1] ?? '')
  }
  return form
}

async function post({ browser, url }: Visitor, form: FormData): Promise<Answer> {
  const headers = browser.cookie === '' ? {} : { cookie: browser.cookie }
  const response = await fetch(url, { method: 'POST', body: form, headers, redirect: 'manual' })
  const setCookies = response.headers.getSetCookie()
  const html = await response.text()
  browser.receive({ setCookies })
  return { status: response.status, cookie: setCookies[0], html }
}
