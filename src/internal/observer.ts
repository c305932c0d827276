import type { SessionEvent } from '../events.ts'

/** Tells the application of an event. Absent where nobody listens, so that no event is made for nobody. */
export type Emit = (event: SessionEvent) => void

/** Shields the manager from an observer that throws, rejects or hangs. */
export function toEmit(
  onEvent: ((event: SessionEvent) => void | Promise<void>) | undefined,
): Emit | undefined {
  if (onEvent === undefined) return undefined
  return (event) => {
    try {
      void Promise.resolve(onEvent(event)).catch(() => undefined)
    } catch {
      // What an observer throws is its own affair.
    }
  }
}
