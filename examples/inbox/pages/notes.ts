import type { Session } from 'coatcheck'
import { type Html, html } from '../html.ts'
import { MAX_NOTE_LENGTH, MAX_NOTES } from '../notes.ts'
import type { InboxValues, Note } from '../session-values.ts'
import { timeText } from '../time-text.ts'
import { tray } from './icons.ts'
import { frameOf, layout } from './layout.ts'

/** The notes of somebody who is signed in, and a form to write one. */
export function notesPage(session: Session<InboxValues>): Html {
  const notes = session.get('notes') ?? []
  const now = new Date()
  const main = html`<div class="heading">
<h1>Your notes</h1>
<p class="hint">${notes.length} of ${MAX_NOTES}. They live in this session and go when you sign out.</p>
</div>
<form class="card composer" method="post" action="/notes">
<label for="text">New note</label>
<textarea id="text" name="text" rows="3" maxlength="${MAX_NOTE_LENGTH}" required aria-describedby="text-hint"></textarea>
<div class="row">
<p class="hint" id="text-hint">Up to ${MAX_NOTE_LENGTH} characters.</p>
<button class="primary">Save note</button>
</div>
</form>
${notes.length === 0 ? nothingYet : html`<ul class="list" aria-label="Notes">${notes.map((note) => item(note, now))}</ul>`}`
  return layout({ ...frameOf(session), title: 'Notes', path: '/', main })
}

const nothingYet = html`<div class="empty">${tray}<p>Nothing here yet. Your first note goes to the top.</p></div>`

function item({ id, text, writtenAt }: Note, now: Date): Html {
  return html`<li class="card note">
<p class="note-text" id="note-${id}">${text}</p>
<div class="row">
<p class="hint">${timeText(new Date(writtenAt), now)}</p>
<form method="post" action="/notes/${id}/delete">
<button class="quiet danger" aria-describedby="note-${id}">Delete</button>
</form>
</div>
</li>`
}
