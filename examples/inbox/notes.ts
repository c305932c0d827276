import type { Note } from './session-values.ts'

/** Notes that one session holds: with the length below, they stay under the manager's `maxValuesBytes`. */
export const MAX_NOTES = 30
/** Characters of one note. */
export const MAX_NOTE_LENGTH = 500

const CONTROL_CHARACTERS = /(?!\n)\p{Cc}/gu

/** Reads a note from what a form sent. Empty: there is nothing to keep. */
export function readNoteText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(CONTROL_CHARACTERS, '').trim().slice(0, MAX_NOTE_LENGTH).trim()
}

/** Adds a note at the top, if there is room. */
export function withNote(notes: readonly Note[] = [], note: Note): readonly Note[] {
  return notes.length < MAX_NOTES ? [note, ...notes] : notes
}

/** Removes a note. */
export function withoutNote(notes: readonly Note[] = [], id: string): readonly Note[] {
  return notes.filter((note) => note.id !== id)
}
