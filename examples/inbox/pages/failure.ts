import { type Html, html } from '../html.ts'
import type { Theme } from '../session-values.ts'
import { layout } from './layout.ts'

interface Words {
  readonly title: string
  readonly text: string
}

const OURS: Words = { title: 'Something went wrong', text: 'The fault is ours. Try again in a moment.' }
const YOURS: Words = { title: 'That did not work', text: 'The request could not be understood.' }

const WORDS: Readonly<Record<number, Words>> = {
  403: { title: 'Refused', text: 'That request came from another site, so nothing was done.' },
  404: { title: 'Not found', text: 'There is no page here.' },
  409: {
    title: 'Your session changed',
    text: 'It ended or was renewed while you were busy, so nothing was saved. Go back to your inbox and try again.',
  },
  413: { title: 'Too long', text: 'That was more than the inbox takes. Nothing was saved.' },
  503: {
    title: 'Back in a moment',
    text: 'Sessions cannot be reached just now. You are not signed out; try again shortly.',
  },
}

/** The status to answer an error with: its own, where it has one; 500 for everything unforeseen. */
export function failureStatus(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : 500
}

/** A page that says what happened, and tells nothing of how. */
export function failurePage(status: number, theme: Theme): Html {
  const { title, text } = WORDS[status] ?? (status >= 500 ? OURS : YOURS)
  const main = html`<div class="failure">
<p class="failure-status">${status}</p>
<h1>${title}</h1>
<p>${text}</p>
<p><a class="button" href="/">Go to your inbox</a></p>
</div>`
  return layout({ title, path: '/', theme, userId: undefined, flash: undefined, main })
}
