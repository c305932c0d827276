import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import type { NextRequest } from 'next/server'
import { manager } from '../../manager'

export const POST = sessions(manager, async (request: NextRequest) => {
  await getSession(manager)?.update('clicks', (clicks = 0) => clicks + 1)
  return Response.redirect(new URL('/', request.url), 303)
})
