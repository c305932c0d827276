import { ConfigError } from '../errors.ts'

/**
 * Refuses options that nobody would read: most are misspelled.
 *
 * @param owner What takes the options.
 * @param unknown What is left of them without those that it knows.
 * @throws {@link ConfigError} there is one.
 */
export function refuseUnknown(owner: string, unknown: object): void {
  for (const name of Object.keys(unknown)) throw new ConfigError(`${owner} has no option ${name}`)
}
