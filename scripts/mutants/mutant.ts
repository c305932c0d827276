import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A text of the source, and the fault that takes its place. */
export interface Edit {
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
}

/** One fault that somebody could write, and who has to notice. */
export interface Mutant {
  /** Names it for `--only`. */
  readonly name: string
  /** The one file that is changed. */
  readonly file: string
  readonly edits: readonly Edit[]
  /** The files of tests, one of which has to go red. */
  readonly tests: readonly string[]
  /** Whether those tests ask a PostgreSQL. (default: false) */
  readonly needsPostgres?: boolean
  /** What it would mean for those who use the package. */
  readonly why: string
}

/** A fault that tests of several kinds have to notice: a mutant for each. */
export type Fault = Pick<Mutant, 'file' | 'edits'>

/** What keeps a mutant from being applied; `undefined`: nothing. */
export function mutantProblem({ file, edits }: Mutant, root: string): string | undefined {
  const text = readFileSync(join(root, file), 'utf8')
  for (const { find } of edits) {
    const count = text.split(find).length - 1
    if (count !== 1) return `${file} holds this ${count} times, not once: ${find.trim()}`
  }
  return undefined
}

/** The text of a mutant's file with its fault in. */
export function mutate(text: string, edits: readonly Edit[]): string {
  // A function, because `$` in a text would otherwise be read as a pattern.
  return edits.reduce((changed, { find, replace }) => changed.replace(find, () => replace), text)
}
