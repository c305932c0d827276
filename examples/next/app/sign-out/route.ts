import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import type { NextRequest } from 'next/server'
import { manager } from '../../manager'

export const POST = sessions(manager, (request: NextRequest) => {
  getSession(manager)?.destroy()
  return Response.redirect(new URL('/', request.url), 303)
})
