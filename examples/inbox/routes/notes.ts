import { randomUUID } from 'node:crypto'
import { Router } from 'express'
import { MAX_NOTES, readNoteText, withNote, withoutNote } from '../notes.ts'
import type { Answer, SignedInVisit, Visits } from '../visits.ts'

/** Writing and deleting notes. */
export function noteRoutes(visits: Visits): Router {
  return Router()
    .post('/notes', visits.signedIn(writeNote))
    .post('/notes/:id/delete', visits.signedIn(deleteNote))
}

async function writeNote({ session, field }: SignedInVisit): Promise<Answer> {
  const text = readNoteText(field('text'))
  if (text === '') {
    session.set('flash', { kind: 'problem', text: 'Write something first.' })
    return { goTo: '/' }
  }
  const note = { id: randomUUID(), text, writtenAt: Date.now() }
  // Atomic: two tabs that add a note at once both keep theirs, where get() and set() would lose one.
  const notes = await session.update('notes', (old) => withNote(old, note))
  const isKept = notes?.some(({ id }) => id === note.id)
  session.set(
    'flash',
    isKept
      ? { kind: 'done', text: 'Note saved.' }
      : { kind: 'problem', text: `Your inbox is full at ${MAX_NOTES} notes. Delete one first.` },
  )
  return { goTo: '/' }
}

async function deleteNote({ session, request }: SignedInVisit): Promise<Answer> {
  const { id } = request.params
  await session.update('notes', (old) => withoutNote(old, String(id)))
  session.set('flash', { kind: 'done', text: 'Note deleted.' })
  return { goTo: '/' }
}
