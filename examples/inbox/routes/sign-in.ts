import { Router } from 'express'
import { notesPage } from '../pages/notes.ts'
import { signInPage } from '../pages/sign-in.ts'
import { readTheme } from '../session-values.ts'
import type { Answer, Visit, Visits } from '../visits.ts'

const HOUR = 3_600
const DAY = 24 * HOUR

/** For a device that others may use too: the cookie ends with the browser. */
const FOR_NOW = { persistent: false, idleTimeout: 2 * HOUR, absoluteTimeout: 12 * HOUR }
/** "Remember me on this device". */
const REMEMBERED = { persistent: true, idleTimeout: 14 * DAY, absoluteTimeout: 30 * DAY }

const NAME = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]{1,60}$/u
const PAGES: ReadonlySet<string> = new Set(['/', '/devices'])

/** The first page, signing in and out, and the theme, which needs no sign-in. */
export function signInRoutes(visits: Visits): Router {
  return Router()
    .get('/', visits.anyone(showHome))
    .post('/sign-in', visits.anyone(signIn))
    .post('/sign-out', visits.anyone(signOut))
    .post('/theme', visits.anyone(chooseTheme))
}

function showHome({ session, request }: Visit): Answer {
  if (session.userId !== undefined) return { page: notesPage(session) }
  const hint = 'sign-in-first' in request.query ? 'Sign in to go on.' : undefined
  return { page: signInPage(session, { hint }) }
}

function signIn({ session, field }: Visit): Answer {
  const name = field('name').normalize('NFC').trim()
  if (!NAME.test(name)) {
    const problem = name === '' ? 'Enter a name.' : 'Enter a name of at most 60 letters.'
    return { status: 422, page: signInPage(session, { problem, name }) }
  }
  const theme = session.get('theme')
  session.setUserId(name, field('remember') === 'yes' ? REMEMBERED : FOR_NOW)
  // Signing in keeps what an anonymous visitor chose. From one user to another nothing is kept; a theme may be.
  if (theme !== undefined) session.set('theme', theme)
  session.set('flash', { kind: 'done', text: `Welcome, ${name}.` })
  return { goTo: '/' }
}

function signOut({ session }: Visit): Answer {
  const theme = session.get('theme')
  if (theme === undefined) session.destroy()
  else session.setUserId(undefined).set('theme', theme) // ends this session; an anonymous one keeps the theme
  return { goTo: '/' }
}

function chooseTheme({ session, field }: Visit): Answer {
  const theme = readTheme(field('theme'))
  if (theme !== 'system') session.set('theme', theme)
  else if (session.has('theme')) session.delete('theme')
  return { goTo: PAGES.has(field('back')) ? field('back') : '/' }
}
