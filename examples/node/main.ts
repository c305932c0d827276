/** Sessions under node:http: `npx tsx examples/node/main.ts`. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sessions } from 'coatcheck/adapters/node'
import { announce, checkUser, click, closeOnSignal, openManager, port, statusOf, toPage } from '../hello.ts'

const opened = await openManager()
const middleware = sessions(opened.manager)

const server = createServer((request, response) => {
  answer().catch((error: unknown) => {
    console.error(error)
    response.writeHead(statusOf(error)).end('failed\n')
  })

  async function answer(): Promise<void> {
    const session = await middleware(request, response)
    if (session === undefined) return // the store failed; 503 has been sent

    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    switch (`${request.method} ${pathname}`) {
      case 'GET /':
        response.setHeader('Content-Type', 'text/html; charset=utf-8')
        response.end(toPage('node:http', session))
        return
      case 'POST /sign-in': {
        const user = checkUser(searchParams.get('user'))
        if (user === undefined) {
          response.writeHead(403).end('no such user\n')
          return
        }
        session.setUserId(user)
        goHome(response)
        return
      }
      case 'POST /click':
        await click(session)
        goHome(response)
        return
      case 'POST /sign-out':
        session.destroy()
        goHome(response)
        return
      default:
        response.writeHead(404).end('no such page\n')
    }
  }
})

function goHome(response: ServerResponse): void {
  response.writeHead(303, { Location: '/' }).end()
}

server.listen(port, () => announce((server.address() as AddressInfo).port)) // listening on TCP
closeOnSignal(server, opened)
