import { StateError } from '../errors.ts'
import type { Session } from '../session.ts'

/**
 * Puts the session where the framework's users look for it.
 *
 * @param owner What those users call the object that gets the property.
 * @throws {@link StateError} another session is there: a second manager needs a property of its own.
 */
export function attachSession<V extends object>(
  target: object,
  property: string,
  session: Session<V>,
  owner = 'request',
): void {
  const properties = target as Record<string, unknown> // the name of the property is the application's choice
  refuseTaken(`${owner}.${property}`, properties[property], session)
  properties[property] = session
}

/**
 * Lets a second mount of the same manager pass, and nobody else.
 *
 * @param found What is at the place now; `null` is a decorator's first value.
 * @throws {@link StateError} something else than this session is there.
 */
export function refuseTaken<V extends object>(place: string, found: unknown, session: Session<V>): void {
  if (found === undefined || found === null || found === session) return
  throw new StateError(`${place} is taken: give this manager a property of its own`)
}

/** Reads what {@link attachSession} put there; `undefined` where it did not. */
export function attachedSession<V extends object>(request: object, property: string): Session<V> | undefined {
  const properties = request as Record<string, Session<V> | null | undefined> // as above
  return properties[property] ?? undefined
}
