import { redirect } from 'react-router'
import { sessionContext } from '../sessions'
import type { Route } from './+types/action'

const USERS = ['ada', 'grace']

export async function action({ context, params, request }: Route.ActionArgs): Promise<Response> {
  const session = context.get(sessionContext)
  const query = new URL(request.url).searchParams
  switch (params.action) {
    case 'sign-in': {
      const user = USERS.find((known) => known === query.get('user')) // stands for your own check
      if (user === undefined) throw new Response('no such user\n', { status: 403 })
      session.setUserId(user)
      break
    }
    case 'click':
      await session.update('clicks', (clicks = 0) => clicks + 1)
      break
    case 'choose':
      for (const key of ['theme', 'language'] as const) {
        const choice = query.get(key)
        if (choice !== null) session.set(key, choice)
      }
      break
    case 'sign-out':
      session.destroy()
      break
    default:
      throw new Response('no such page\n', { status: 404 })
  }
  throw redirect('/', 303) // thrown or returned: the same
}
