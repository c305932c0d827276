import { html } from '../html.ts'

/** The mark beside the name: a cloakroom ticket. */
export const brandMark = html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 5h16a1 1 0 0 1 1 1v3.2a2.8 2.8 0 0 0 0 5.6V18a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-3.2a2.8 2.8 0 0 0 0-5.6V6a1 1 0 0 1 1-1Z"/><path class="mark-cut" d="M9 9.5h6M9 14.5h4"/></svg>`

/** A computer with a screen of its own. */
export const computer = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><rect x="3.5" y="5" width="17" height="11" rx="1.5"/><path d="M2 19.5h20"/></svg>`

/** A device held in a hand. */
export const handheld = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><rect x="7" y="2.5" width="10" height="19" rx="2"/><path d="M11 18.5h2"/></svg>`

/** An empty tray. */
export const tray = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 13.5 6 5h12l3 8.5V19H3v-5.5Zm0 0h5.5a3.5 3.5 0 0 0 7 0H21"/></svg>`
