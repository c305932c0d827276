import assert from 'node:assert/strict'
import { generateKey, type SessionEvent, SessionManager, type SessionManagerOptions } from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'
import { Browser } from './browser.ts'
import type { Handler, HttpHarness, Mount, Values } from './http-case.ts'
import type { Received } from './received.ts'
import { HANDLED, Pauses, scripted, type View } from './script.ts'
import { type WatchedStore, watchedStore } from './watched-store.ts'

/** 2026-01-01T00:00:00Z. */
const START = Date.UTC(2026, 0, 1)

/** A server with its manager, its store and its clock, as one case sees them. */
export interface World {
  readonly store: WatchedStore
  readonly manager: SessionManager<Values>
  readonly events: readonly SessionEvent[]
  readonly pauses: Pauses
  /** Lets time pass, for the manager. */
  advance(seconds: number): void
  /** A browser without cookies. */
  browser(): Browser
}

/** How a world differs from the plain one. */
export interface WorldOptions {
  readonly manager?: Partial<SessionManagerOptions>
  /** In place of mounting the manager once. */
  readonly mounts?: (manager: SessionManager<Values>, world: WorldParts) => readonly Mount[]
  /** In place of the scripted handler. */
  readonly handle?: Handler
}

/** What a second manager of the same world is made of. */
export interface WorldParts {
  readonly store: WatchedStore
  readonly clock: () => number
}

/** Opens a world, runs a case in it, closes it. */
export async function inWorld(
  harness: HttpHarness,
  run: (world: World) => Promise<void>,
  options: WorldOptions = {},
): Promise<void> {
  let now = START
  const clock = () => now
  const events: SessionEvent[] = []
  const store = watchedStore(new MemoryStore())
  const manager = new SessionManager<Values>({
    store,
    authKey: generateKey(),
    clock,
    cleanupInterval: 0,
    onEvent: (event) => void events.push(event),
    ...options.manager,
  })
  const pauses = new Pauses()
  const mounts = options.mounts?.(manager, { store, clock }) ?? [{ manager }]
  const server = await harness.listen(mounts, options.handle ?? scripted(pauses))
  const browsers: Browser[] = []
  const browser = (): Browser => {
    const opened = new Browser(server.port)
    browsers.push(opened)
    return opened
  }
  const advance = (seconds: number): void => {
    now += seconds * 1000
  }
  try {
    await run({ store, manager, events, pauses, advance, browser })
  } finally {
    for (const opened of browsers) opened.close()
    await server.close()
    await manager.close()
  }
}

/** What the scripted handler told. Fails if the answer is not the handler's. */
export function viewOf(received: Received): View {
  const body = received.json() as Record<string, View | undefined> // the scripted handler wrote it
  const view = body[HANDLED]
  assert.ok(view !== undefined, `the handler's answer, not ${received.body}`)
  return view
}

/** The one Set-Cookie line. Fails if there is none, or more. */
export function theCookie({ setCookies }: Received): string {
  assert.equal(setCookies.length, 1, `one Set-Cookie, not ${setCookies.length}`)
  return setCookies[0] ?? ''
}

/** Fails unless the response deletes the session cookie and sets no other. */
export function assertDeletion(received: Received): void {
  assert.match(theCookie(received), /^__Host-id=; Path=\/; Max-Age=0;/)
}

/** Fails unless the response gives the browser a token. */
export function assertNewCookie(received: Received): void {
  assert.match(theCookie(received), /^__Host-id=[\w-]{80,256}; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
}

/** Fails if the response does anything with a cookie. */
export function assertNoCookie({ setCookies }: Received): void {
  assert.deepEqual(setCookies, [])
}

/** Fails unless the answer is a failure of this status, of which the client learns nothing else. */
export function assertFailure(received: Received, status: number): void {
  assert.equal(received.status, status)
  assertNoCookie(received)
  assert.ok(!received.body.includes(HANDLED), 'nothing of what the handler wrote')
}
