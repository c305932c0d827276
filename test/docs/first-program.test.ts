import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { linkPackages } from '../package/global-setup.ts'
import { createDatabase } from '../servers/postgres.ts'
import { readBlocks } from './blocks.ts'
import { type Program, toPrograms, writeProgram } from './programs.ts'
import { type Run, run } from './run.ts'

const [first, embedded] = toPrograms(readBlocks('README.md'))
if (first === undefined || embedded === undefined) throw new Error('the README has no two programs')

/** The first program with the second block in place of its two `store` lines, as the README says. */
function withoutServer(program: Program, block: Program): Program {
  const text = program.text.replace(/^const store = .*\nawait store\.migrate\(\)$/m, () => block.text)
  if (text === program.text) throw new Error('the first program has no two store lines')
  return { ...program, text }
}

describe.each([
  ["the README's first program", first],
  ["the README's first program without a PostgreSQL server", withoutServer(first, embedded)],
])('%s', (name, program) => {
  let running: Run
  let origin: string

  beforeAll(async () => {
    const { project } = inject('installed')
    await linkPackages(project, ['express', 'pg', '@electric-sql'])
    const file = writeProgram(path.join(project, name.replaceAll(/\W+/g, '-')), program)
    running = await run(file, await createDatabase(inject('postgres')[18]))
    origin = running.origin ?? `does not listen: ${running.output()}`
  })

  afterAll(() => running.stop())

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
