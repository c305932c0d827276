import { readdir, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readKeys } from '../../examples/inbox/keys.ts'
import { aVisitor, launchBrowser } from './browser.ts'
import { aFolder, failToStart, type InboxProcess, removeFolder, startInbox } from './inbox-process.ts'
import { signIn, writeNote } from './stage.ts'

// Each start makes or recovers a database, which takes a busy machine half a minute.
describe('the inbox as a process', { timeout: 300_000 }, () => {
  let browser: Browser
  let folder: string
  const running: InboxProcess[] = []

  const start = async () => {
    const inbox = await startInbox(folder)
    running.push(inbox)
    return inbox
  }

  beforeAll(async () => {
    browser = await launchBrowser()
  })
  beforeEach(async () => {
    folder = await aFolder()
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((inbox) => inbox.kill()))
    await removeFolder(folder)
  })
  afterAll(() => browser.close())

  it('keeps everybody signed in over a restart, and stops cleanly', async () => {
    const before = await start()
    const { page } = await aVisitor(browser, before.url)
    await signIn(page, 'ada')
    await writeNote(page, 'written before')
    await expect(before.stop()).resolves.toBe(0)

    const after = await start()
    await page.goto(after.url)
    await page.getByText('written before').waitFor()
    await page.getByText('Signed in as ada').waitFor()
  })

  it('keeps what it has acknowledged when it is killed', async () => {
    const before = await start()
    const { page } = await aVisitor(browser, before.url)
    await signIn(page, 'ada')
    await writeNote(page, 'written just before the end')
    await before.kill()

    const after = await start()
    await page.goto(after.url)
    await page.getByText('written just before the end').waitFor()
  })

  it('makes its keys once, and lets nobody but its owner read them', async () => {
    const data = join(folder, 'data')
    const [first, beside] = await Promise.all([readKeys(data), readKeys(data)])
    const again = await readKeys(data)
    expect(first).toHaveLength(1)
    expect([beside, again]).toEqual([first, first])
    await expect(readdir(data)).resolves.toEqual(['session-keys'])
    await expect(modeOf(data)).resolves.toBe('700')
    await expect(modeOf(join(data, 'session-keys'))).resolves.toBe('600')
  })

  it('says that a port is taken, before it makes anything', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo // it listens on a port, not on a pipe
    const { code, output } = await failToStart(folder, { PORT: String(port) })
    other.close()
    expect(output.trim()).toBe(`inbox: port ${port} is taken: name another, as in PORT=3001 npm start`)
    expect(code).toBe(1)
  })

  it.each([
    [{ PORT: 'http' }, 'inbox: PORT must be a number from 0 to 65535'],
    [
      { INBOX_ORIGIN: 'http://inbox.example/' },
      'inbox: INBOX_ORIGIN must be like https://inbox.example, with nothing after the host',
    ],
  ])('says which setting cannot work: %o', async (environment, message) => {
    const { code, output } = await failToStart(folder, environment)
    expect(output.trim()).toBe(message)
    expect(code).toBe(1)
  })
})

async function modeOf(path: string): Promise<string> {
  const { mode } = await stat(path)
  return (mode & 0o777).toString(8)
}
