import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { aVisitor, type BrowserWishes, forget, launchBrowser, type Visitor } from './browser.ts'
import { aFolder, type InboxProcess, removeFolder, startInbox } from './inbox-process.ts'

/** A browser and an application of one test file. */
export class Stage {
  readonly #environment: () => NodeJS.ProcessEnv
  readonly #wishes: BrowserWishes
  #browser: Promise<Browser> | undefined
  #inbox: InboxProcess | undefined
  readonly #visiting: [string, Visitor][] = []
  readonly #idle = new Map<string, Visitor[]>()

  constructor(environment: () => NodeJS.ProcessEnv, wishes: BrowserWishes) {
    this.#environment = environment
    this.#wishes = wishes
  }

  /** Where the application is. */
  get url(): string {
    if (this.#inbox === undefined) throw new Error('the inbox is not started yet')
    return this.#inbox.url
  }

  /** Gives a browser profile that knows nothing. */
  async visitor(options: BrowserContextOptions = {}): Promise<Visitor> {
    const kind = JSON.stringify(options)
    this.#browser ??= launchBrowser(this.#wishes)
    const visitor = this.#idle.get(kind)?.pop() ?? (await aVisitor(await this.#browser, this.url, options))
    this.#visiting.push([kind, visitor])
    return visitor
  }

  /** Starts the application. */
  async open(): Promise<void> {
    this.#inbox = await startInbox(await aFolder(), this.#environment())
  }

  /** Makes every profile forget. They are used again: opening one takes Chromium seconds. */
  async clear(): Promise<void> {
    for (const [kind, visitor] of this.#visiting.splice(0)) {
      await forget(visitor)
      this.#idle.set(kind, [...(this.#idle.get(kind) ?? []), visitor])
    }
  }

  /** Ends the browser and the application. */
  async close(): Promise<void> {
    await (await this.#browser)?.close()
    await this.#inbox?.stop()
    if (this.#inbox !== undefined) await removeFolder(this.#inbox.folder)
  }
}

/** Gives the tests of a file one application and one browser, and every test profiles of its own. */
export function useStage(
  environment: () => NodeJS.ProcessEnv = () => ({}),
  wishes: BrowserWishes = {},
): Stage {
  const stage = new Stage(environment, wishes)
  beforeAll(() => stage.open())
  afterEach(() => stage.clear())
  afterAll(() => stage.close())
  return stage
}

/** Fills in the sign-in form. */
export async function signIn(page: Page, name: string, options: { remember?: boolean } = {}): Promise<void> {
  await page.goto('/')
  await page.getByLabel('Your name').fill(name)
  if (options.remember === true) await page.getByLabel('Remember me').check()
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Your notes' }).waitFor()
}

/** Writes a note with the form of the first page. */
export async function writeNote(page: Page, text: string): Promise<void> {
  await page.getByLabel('New note').fill(text)
  await page.getByRole('button', { name: 'Save note' }).click()
  await page.getByRole('listitem').filter({ hasText: text }).waitFor()
}

/** @returns whether the first page shows the sign-in form, rather than somebody's notes. */
export async function isSignedOut(page: Page): Promise<boolean> {
  await page.goto('/')
  const form = page.getByRole('heading', { name: 'Sign in' })
  await form.or(page.getByRole('heading', { name: 'Your notes' })).waitFor()
  return form.isVisible()
}
