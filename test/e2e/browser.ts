import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { findProgram, programs } from '../../scripts/ensure-debian.ts'

/** Keeps the browser from calling anybody but the servers under test. */
const QUIET = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-dev-shm-usage',
  '--disable-sync',
  '--no-first-run',
]

/** Milliseconds that a page may take, on a machine that does other things too. */
const PATIENCE = 60_000

/** How a browser is launched. */
export interface BrowserWishes {
  /** Keep left pages in memory for the back button, as people's browsers do. (default: false) */
  readonly backForwardCache?: boolean
}

/** Launches a real Chromium. A missing one is a failure that says how to get it. */
export async function launchBrowser({ backForwardCache = false }: BrowserWishes = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: findProgram(programs.chromium),
    args: QUIET,
    ignoreDefaultArgs: backForwardCache ? ['--disable-back-forward-cache'] : [],
  })
}

/** A browser profile of its own, with one page. */
export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  /** What the page complained about. */
  readonly complaints: string[]
}

/** Opens a profile that nobody has used. Relative addresses are those of `baseURL`. */
export async function aVisitor(
  browser: Browser,
  baseURL: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ baseURL, ...options })
  context.setDefaultTimeout(PATIENCE)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return { context, page, complaints }
}

/** Makes a profile as good as new: cookies are all that the application leaves in it. */
export async function forget({ context, page, complaints }: Visitor): Promise<void> {
  const others = context.pages().filter((other) => other !== page)
  await Promise.all(others.map((other) => other.close()))
  await page.goto('about:blank')
  await context.clearCookies()
  complaints.splice(0)
}
