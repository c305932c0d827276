/** Sessions under Koa: `npx tsx examples/koa/main.ts`. */
import type { AddressInfo } from 'node:net'
import { sessions } from 'coatcheck/adapters/koa'
import Koa from 'koa'
import { announce, checkUser, click, closeOnSignal, openManager, port, toPage } from '../hello.ts'

const opened = await openManager()

const app = new Koa().use(sessions(opened.manager)).use(async (ctx) => {
  const { session } = ctx
  switch (`${ctx.method} ${ctx.path}`) {
    case 'GET /':
      ctx.type = 'html'
      ctx.body = toPage('Koa', session)
      return
    case 'POST /sign-in': {
      const user = checkUser(ctx.query.user)
      if (user === undefined) ctx.throw(403, 'no such user\n')
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
      ctx.throw(404)
  }
  ctx.redirect('/')
  ctx.status = 303
})

const server = app.listen(port, () => announce((server.address() as AddressInfo).port)) // listening on TCP
closeOnSignal(server, opened)
