/** How the pages are coloured; `system` follows the browser. */
export type Theme = 'system' | 'light' | 'dark'

/** One note of a person. */
export interface Note {
  readonly id: string
  readonly text: string
  /** When it was written, in epoch milliseconds. */
  readonly writtenAt: number
}

/** A message that is shown once, on the next page. */
export interface Flash {
  readonly kind: 'done' | 'problem'
  readonly text: string
}

/** What this application keeps in a session. */
export interface InboxValues {
  readonly notes: readonly Note[]
  readonly flash: Flash
  readonly theme: Theme
}

const THEMES: ReadonlySet<string> = new Set<Theme>(['system', 'light', 'dark'])

/** Reads a theme from what a form sent. */
export function readTheme(text: string): Theme {
  return THEMES.has(text) ? (text as Theme) : 'system' // the set holds themes only
}
