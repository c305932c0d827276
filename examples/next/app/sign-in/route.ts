import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import type { NextRequest } from 'next/server'
import { manager } from '../../manager'
import { checkUser } from '../../users'

export const POST = sessions(manager, (request: NextRequest) => {
  const user = checkUser(request.nextUrl.searchParams.get('user'))
  if (user === undefined) return new Response('no such user\n', { status: 403 })
  getSession(manager)?.setUserId(user)
  return Response.redirect(new URL('/', request.url), 303)
})
