/**
 * Sessions for handlers of the Fetch standard, here on node: `npx tsx examples/fetch/main.ts`.
 *
 * `handle` is also what `Bun.serve({ fetch: handle })` and `Deno.serve(handle)` take.
 */
import { type Http2Bindings, type HttpBindings, serve } from '@hono/node-server'
import { getSession } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fetch'
import { announce, checkUser, click, closeOnSignal, openManager, port, statusOf, toPage } from '../hello.ts'

type Bindings = HttpBindings | Http2Bindings

const opened = await openManager()
const { manager } = opened

// What is thrown out of the handler counts as status 500, and is the server's to answer: so it is answered here.
const handle = sessions(manager, (request, _: Bindings) => answer(request).catch(answerError), {
  address: (_request, { incoming }) => incoming.socket.remoteAddress,
})

async function answer(request: Request): Promise<Response> {
  const session = getSession(manager)
  if (session === undefined) throw new Error('sessions(manager, …) is not around this handler')

  const { pathname, searchParams } = new URL(request.url)
  switch (`${request.method} ${pathname}`) {
    case 'GET /':
      return new Response(toPage('fetch', session), {
        headers: { 'content-type': 'text/html; charset=utf-8' },
      })
    case 'POST /sign-in': {
      const user = checkUser(searchParams.get('user'))
      if (user === undefined) return new Response('no such user\n', { status: 403 })
      session.setUserId(user)
      break
    }
    case 'POST /click':
      await click(session)
      break
    case 'POST /sign-out':
      session.destroy()
      break
    default:
      return new Response('no such page\n', { status: 404 })
  }
  return Response.redirect(new URL('/', request.url), 303)
}

function answerError(error: unknown): Response {
  console.error(error)
  return new Response('failed\n', { status: statusOf(error) })
}

const server = serve({ fetch: handle, port }, (address) => announce(address.port))
closeOnSignal(server, opened)
