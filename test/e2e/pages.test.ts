import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Visitor } from './browser.ts'
import { signIn, useStage, writeNote } from './stage.ts'

/** What is read here of axe's report. */
interface AxeReport {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
  readonly passes: readonly unknown[]
}

const PAGES = ['sign-in', 'sign-in first', 'name missing', 'no notes', 'notes', 'devices', 'not found']

describe('every page', () => {
  const stage = useStage()
  let axe: string

  beforeAll(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  })

  const violations = async (page: Page) => {
    await page.evaluate(axe)
    const report = await page.evaluate<AxeReport>('axe.run(document)')
    expect(report.passes.length).toBeGreaterThan(10)
    return report.violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) }))
  }

  const sidewaysScroll = (page: Page) =>
    page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')

  it.each([
    ['light', 1180],
    ['light', 360],
    ['dark', 1180],
    ['dark', 360],
  ] as const)('is accessible, quiet and no wider than the window: %s, %i px', async (colorScheme, width) => {
    const { page, complaints } = await stage.visitor()
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 740 })
    const seen: [string, unknown][] = []
    await walk(page, await stage.visitor(), async (name) => {
      seen.push([name, { violations: await violations(page), sideways: await sidewaysScroll(page) }])
    })
    expect(seen).toEqual(PAGES.map((name) => [name, { violations: [], sideways: 0 }]))
    // What a browser says of the two answers that were asked for, and nothing else.
    expect(complaints).toEqual([expect.stringContaining('422'), expect.stringContaining('404')])
  })

  it('can be used by keyboard alone', async () => {
    const { page } = await stage.visitor()
    await page.goto('/')
    await page.keyboard.press('Tab')
    await expect(page.locator(':focus').innerText()).resolves.toBe('Skip to content')
    await page.getByLabel('Your name').focus()
    await page.keyboard.type('ada')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your notes' }).waitFor()
  })

  it('runs no script and sends no page to a cache', async () => {
    const { page } = await stage.visitor()
    await signIn(page, 'ada')
    for (const path of ['/', '/devices', '/nowhere']) {
      const answer = await page.goto(path)
      const headers = answer?.headers() ?? {}
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['cache-control']).toBe('no-store')
      await expect(page.locator('script, [style], [onclick]').count()).resolves.toBe(0)
    }
  })

  it('shows what people write as text', async () => {
    const { page } = await stage.visitor()
    const text = `<img src=x onerror="document.title='hacked'"> & "quotes" </textarea>`
    await signIn(page, 'ada')
    await writeNote(page, text)
    await expect(page.locator('.note-text').innerText()).resolves.toBe(text)
    await expect(page.locator('main img').count()).resolves.toBe(0)
  })

  it('takes a note away again', async () => {
    const { page } = await stage.visitor()
    await signIn(page, 'ada')
    await writeNote(page, 'first')
    await writeNote(page, 'second')
    await page
      .getByRole('listitem')
      .filter({ hasText: 'first' })
      .getByRole('button', { name: 'Delete' })
      .click()
    await page.getByText('Note deleted.').waitFor()
    await expect(page.locator('.note-text').allInnerTexts()).resolves.toEqual(['second'])
  })
})

/** Visits {@link PAGES}, with a name and a note that are hard to lay out. */
async function walk(page: Page, other: Visitor, look: (name: string) => Promise<void>): Promise<void> {
  const name = `Ada ${'Lovelace'.repeat(6)}`
  await page.goto('/')
  await look('sign-in')
  await page.goto('/devices')
  await look('sign-in first')
  await page.getByLabel('Your name').fill(' ')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await look('name missing')
  await signIn(page, name)
  await look('no notes')
  await writeNote(page, 'difference'.repeat(20))
  await look('notes')
  await signIn(other.page, name)
  await page.goto('/devices')
  await look('devices')
  await page.goto('/nowhere')
  await look('not found')
}
