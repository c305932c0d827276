import { type Html, html } from './html.ts'

/** With their length in minutes. */
const UNITS = [
  ['day', 24 * 60],
  ['hour', 60],
] as const

/** Says how far an instant is away, "3 minutes ago" or "in 29 days", and keeps the exact one in the markup. */
export function timeText(at: Date, now: Date): Html {
  const exact = at.toISOString()
  return html`<time datetime="${exact}" title="${exact.slice(0, 16).replace('T', ' ')} UTC">${distance(at, now)}</time>`
}

function distance(at: Date, now: Date): string {
  const minutes = Math.round((at.getTime() - now.getTime()) / 60_000)
  if (minutes === 0) return at > now ? 'in less than a minute' : 'just now'
  const [unit, length] = UNITS.find(([, length]) => Math.abs(minutes) >= length) ?? ['minute', 1]
  return new Intl.RelativeTimeFormat('en').format(Math.round(minutes / length), unit)
}
