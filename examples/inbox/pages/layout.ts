import type { Session } from 'coatcheck'
import { type Html, html } from '../html.ts'
import type { Flash, InboxValues, Theme } from '../session-values.ts'
import { brandMark } from './icons.ts'

/** What every page is made of. */
export interface Layout {
  readonly title: string
  /** The page's own path, which the theme form comes back to. */
  readonly path: '/' | '/devices'
  readonly theme: Theme
  readonly userId: string | undefined
  readonly flash: Flash | undefined
  readonly main: Html
}

/** Reads from the session what the frame of a page shows. A flash message is taken: it is shown once. */
export function frameOf(session: Session<InboxValues>): Pick<Layout, 'theme' | 'userId' | 'flash'> {
  return { theme: session.get('theme') ?? 'system', userId: session.userId, flash: session.take('flash') }
}

/** Makes a whole page. */
export function layout({ title, path, theme, userId, flash, main }: Layout): Html {
  return html`<!doctype html>
<html lang="en" data-theme="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Inbox</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/base.css">
<link rel="stylesheet" href="/parts.css">
<link rel="stylesheet" href="/frame.css">
<link rel="stylesheet" href="/content.css">
<link rel="stylesheet" href="/sign-in.css">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="bar">
<div class="bar-inner">
<a class="brand" href="/">${brandMark}<span>Inbox</span></a>
${userId !== undefined && navigation(path, userId)}
</div>
</header>
<main id="main" tabindex="-1">
${flash !== undefined && message(flash)}
${main}
</main>
<footer class="foot">
<p>Sessions by coatcheck.</p>
${themePicker(path, theme)}
</footer>
</body>
</html>
`
}

function navigation(path: string, userId: string): Html {
  const link = (to: string, text: string) =>
    html`<a href="${to}"${path === to && html` aria-current="page"`}>${text}</a>`
  return html`<nav aria-label="Main">${link('/', 'Notes')}${link('/devices', 'Devices')}</nav>
<div class="who">
<span class="avatar" aria-hidden="true">${initial(userId)}</span>
<span class="who-name"><span class="hidden">Signed in as </span>${userId}</span>
<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>
</div>`
}

function initial(userId: string): string {
  return Array.from(userId)[0]?.toLocaleUpperCase('en') ?? ''
}

function message({ kind, text }: Flash): Html {
  return html`<p class="flash ${kind}" role="status">${text}</p>`
}

const THEMES = [
  ['system', 'Auto'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const

function themePicker(path: string, chosen: Theme): Html {
  const buttons = THEMES.map(
    ([theme, label]) =>
      html`<button name="theme" value="${theme}" aria-pressed="${String(theme === chosen)}">${label}</button>`,
  )
  return html`<form class="themes" method="post" action="/theme">
<input type="hidden" name="back" value="${path}">
<fieldset><legend>Theme</legend>${buttons}</fieldset>
</form>`
}
