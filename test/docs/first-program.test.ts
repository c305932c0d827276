import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { linkPackages } from '../package/global-setup.ts'
import { createDatabase } from '../servers/postgres.ts'
import { readBlocks } from './blocks.ts'
import { toPrograms, writeProgram } from './programs.ts'
import { type Run, run } from './run.ts'

describe("the README's first program", () => {
  let program: Run
  let origin: string

  beforeAll(async () => {
    const { project } = inject('installed')
    await linkPackages(project, ['express', 'pg'])
    const [first] = toPrograms(readBlocks('README.md'))
    if (first === undefined) throw new Error('the README has no program')
    const file = writeProgram(path.join(project, 'first-program'), first)
    program = await run(file, await createDatabase(inject('postgres')[18]))
    origin = program.origin ?? `does not listen: ${program.output()}`
  })

  afterAll(async () => program.stop())

  /** Asks as a browser with this cookie would, which does not follow redirects. */
  async function ask(method: 'GET' | 'POST', target: string, cookie?: string) {
    const headers: Record<string, string> = cookie === undefined ? {} : { cookie }
    const response = await fetch(origin + target, { method, headers, redirect: 'manual' })
    return {
      status: response.status,
      text: await response.text(),
      setCookie: response.headers.getSetCookie(),
    }
  }

  it('greets a stranger and gives no cookie', async () => {
    expect(await ask('GET', '/')).toEqual({ status: 200, text: 'hello stranger', setCookie: [] })
  })

  it('signs in, greets by name, and signs out for good', async () => {
    const signedIn = await ask('POST', '/sign-in')
    expect(signedIn.status).toBe(302)
    expect(signedIn.setCookie).toEqual([
      expect.stringMatching(
        /^__Host-id=[\w-]+; (?=.*Path=\/(;|$))(?=.*Secure)(?=.*HttpOnly)(?=.*SameSite=Lax)/,
      ),
    ])
    const cookie = signedIn.setCookie[0]?.split(';')[0]
    expect(await ask('GET', '/', cookie)).toMatchObject({ text: 'hello ada', setCookie: [] })

    const signedOut = await ask('POST', '/sign-out', cookie)
    expect(signedOut).toMatchObject({
      status: 302,
      setCookie: [expect.stringMatching(/^__Host-id=;.*Max-Age=0/)],
    })
    expect(await ask('GET', '/', cookie)).toMatchObject({ text: 'hello stranger', setCookie: [] })
  })
})
