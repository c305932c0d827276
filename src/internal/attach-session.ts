import { StateError } from '../errors.ts'
import type { Session } from '../session.ts'

/**
 * Puts the session where the framework's users look for it.
 *
 * @throws {@link StateError} another session is there: a second manager needs a property of its own.
 */
export function attachSession<V extends object>(
  request: object,
  property: string,
  session: Session<V>,
): void {
  const properties = request as Record<string, unknown> // the name of the property is the application's choice
  const other = properties[property]
  if (other !== undefined && other !== null && other !== session) {
    throw new StateError(`request.${property} is taken: give this manager a property of its own`)
  }
  properties[property] = session
}

/** Reads what {@link attachSession} put there; `undefined` where it did not. */
export function attachedSession<V extends object>(request: object, property: string): Session<V> | undefined {
  const properties = request as Record<string, Session<V> | null | undefined> // as above; null is a decorator's first value
  return properties[property] ?? undefined
}
