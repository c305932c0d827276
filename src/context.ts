import { AsyncLocalStorage } from 'node:async_hooks'
import type { SessionManager } from './manager.ts'
import type { Session } from './session.ts'

/** The sessions of the running code, innermost first. */
interface Frame {
  /** Of values that only its manager knows the type of. */
  readonly session: object
  readonly outer: Frame | undefined
}

// On globalThis, because bundlers load modules twice, and what one copy enters the other must find.
const CONTEXT = Symbol.for('coatcheck.context')

function context(): AsyncLocalStorage<Frame> {
  const shared = globalThis as { [CONTEXT]?: AsyncLocalStorage<Frame> } // the symbol's property is ours alone
  shared[CONTEXT] ??= new AsyncLocalStorage<Frame>()
  return shared[CONTEXT]
}

/**
 * Finds the session of the request that the calling code works for: that of the innermost middleware, or of
 * `withSession()`.
 *
 * @returns `undefined` outside of any request.
 */
export function getSession(): Session | undefined
/**
 * Finds the session that this manager started for the request that the calling code works for.
 *
 * @returns `undefined` outside of any request, and where its middleware is not mounted.
 */
export function getSession<V extends object>(manager: SessionManager<V>): Session<V> | undefined
export function getSession<V extends object>(manager?: SessionManager<V>): unknown {
  let frame = context().getStore()
  while (frame !== undefined && manager !== undefined && !manager.owns(frame.session)) {
    frame = frame.outer
  }
  return frame?.session
}

/**
 * Runs code, and all that it starts, with this session as its `getSession()`: what an adapter does around a
 * handler, and a test or a job around what it calls.
 *
 * @returns what `run` returns.
 */
export function withSession<V extends object, T>(session: Session<V>, run: () => T): T {
  const storage = context()
  return storage.run({ session, outer: storage.getStore() }, run)
}
