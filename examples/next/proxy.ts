import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { type NextRequest, NextResponse } from 'next/server'
import { manager } from './manager'

/** Sends strangers away before anything is rendered. The page checks again: this is a convenience, not the lock. */
export const proxy = sessions(manager, (request: NextRequest) => {
  if (getSession(manager)?.userId !== undefined) return NextResponse.next()
  return NextResponse.redirect(new URL('/', request.url), 303)
})

export const config = { matcher: '/account' }
