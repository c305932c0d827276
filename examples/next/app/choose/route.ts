import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import type { NextRequest } from 'next/server'
import { manager } from '../../manager'

export const POST = sessions(manager, (request: NextRequest) => {
  const session = getSession(manager)
  for (const key of ['theme', 'language'] as const) {
    const choice = request.nextUrl.searchParams.get(key)
    if (choice !== null) session?.set(key, choice)
  }
  return Response.redirect(new URL('/', request.url), 303)
})
