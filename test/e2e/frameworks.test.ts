import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ExampleProgram, startExample } from '../integration/example-program.ts'
import { createDatabase, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { aVisitor, forget, launchBrowser, type Visitor } from './browser.ts'

/** The programs by folder, and what each calls its framework. */
const PROGRAMS = {
  express: 'Express',
  fastify: 'Fastify',
  hono: 'Hono',
  koa: 'Koa',
  fetch: 'fetch',
  node: 'node:http',
} as const

type Program = keyof typeof PROGRAMS

const names = Object.keys(PROGRAMS) as Program[] // of the literal above
const running = new Map<Program, ExampleProgram>()
let server: PostgresServer
let browser: Browser
let ada: Visitor

beforeAll(async () => {
  server = await startPostgres(18)
  const environment = {
    DATABASE_URL: await createDatabase(server.url),
    AUTH_KEY: 'one key for the programs of all frameworks',
  }
  const start = async (name: Program) => void running.set(name, await startExample(name, environment))
  await Promise.all(names.map(start))
  browser = await launchBrowser()
  ada = await aVisitor(browser, urlOf('express'))
}, 240_000) // a database, six programs and a browser, on two cores

afterEach(() => forget(ada))

afterAll(async () => {
  await browser?.close()
  await Promise.all([...running.values()].map((program) => program.stop()))
  await server?.stop()
})

// One host for all: a cookie does not depend on the port.
function urlOf(name: Program): string {
  const program = running.get(name)
  if (program === undefined) throw new Error(`${name} does not run`)
  return `http://127.0.0.1:${program.port}/`
}

/** Goes to the page of a program. */
async function visit({ page }: Visitor, name: Program): Promise<void> {
  await page.goto(urlOf(name))
}

/** Presses a button of the page, and waits for the page that it leads to. */
async function press({ page }: Visitor, name: string): Promise<void> {
  await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'GET'),
    page.getByRole('button', { name }).click(),
  ])
  await page.waitForLoadState()
}

/** What the page says. */
async function read({ page }: Visitor): Promise<string> {
  return (await page.locator('p').innerText()).split('\n')[0]?.trim() ?? ''
}

async function cookieOf({ context }: Visitor): Promise<string | undefined> {
  const [cookie, ...others] = await context.cookies(urlOf('express'))
  expect(others).toEqual([])
  return cookie?.value
}

describe('one browser on six frameworks, over one store', () => {
  it('signs in on Express, is known to Fastify, clicks on Hono, reads that on Koa, and signs out on fetch: out of all', async () => {
    await visit(ada, 'express')
    expect(await read(ada)).toBe('Hello stranger, this is Express. Clicks: 0.')
    await press(ada, 'I am ada')
    expect(await read(ada)).toBe('Hello ada, this is Express. Clicks: 0.')
    const token = await cookieOf(ada)

    await visit(ada, 'fastify')
    expect(await read(ada)).toBe('Hello ada, this is Fastify. Clicks: 0.')
    await visit(ada, 'hono')
    await press(ada, 'Click')
    await press(ada, 'Click')
    await visit(ada, 'koa')
    expect(await read(ada)).toBe('Hello ada, this is Koa. Clicks: 2.')
    expect(await cookieOf(ada)).toBe(token)

    await visit(ada, 'fetch')
    await press(ada, 'Sign out')
    expect(await cookieOf(ada)).toBeUndefined()
    for (const name of names) {
      await visit(ada, name)
      expect(await read(ada)).toBe(`Hello stranger, this is ${PROGRAMS[name]}. Clicks: 0.`)
    }
  })

  it('shows a tab that is open on one framework what a tab on another one did', async () => {
    await visit(ada, 'koa')
    const other: Visitor = { ...ada, page: await ada.context.newPage() }
    await visit(other, 'node')
    await press(other, 'I am grace')
    await ada.page.reload()
    expect(await read(ada)).toBe('Hello grace, this is Koa. Clicks: 0.')
    await Promise.all([press(ada, 'Click'), press(other, 'Click')])
    await ada.page.reload()
    expect(await read(ada)).toBe('Hello grace, this is Koa. Clicks: 2.')

    await press(other, 'Sign out')
    await press(ada, 'Click') // nobody's session now: it counts in a new one
    expect(await read(ada)).toMatch(/^Hello stranger/)
    expect(ada.complaints).toEqual([])
  })

  it('is signed out everywhere with a cookie that a sign-in on another framework replaced', async () => {
    await visit(ada, 'hono')
    await press(ada, 'I am ada')
    const thief = await aVisitor(browser, urlOf('hono'))
    await thief.context.addCookies(await ada.context.cookies())
    await visit(thief, 'koa')
    expect(await read(thief)).toMatch(/^Hello ada/)

    await ada.page.request.post(`${urlOf('express')}sign-in?user=ada`)
    for (const name of names) {
      await visit(ada, name)
      expect(await read(ada)).toMatch(/^Hello ada/)
      await visit(thief, name)
      expect(await read(thief)).toMatch(/^Hello stranger/)
    }
    await thief.context.close()
  })
})
