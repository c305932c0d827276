/** Sessions under Hono, here on node: `npx tsx examples/hono/main.ts`. */
import { serve } from '@hono/node-server'
import { sessions } from 'coatcheck/adapters/hono'
import { Hono } from 'hono'
import { announce, checkUser, click, closeOnSignal, openManager, port, statusOf, toPage } from '../hello.ts'

const opened = await openManager()

const app = new Hono()
  .use(sessions(opened.manager))
  .get('/', (c) => c.html(toPage('Hono', c.var.session)))
  .post('/sign-in', (c) => {
    const user = checkUser(c.req.query('user'))
    if (user === undefined) return c.text('no such user\n', 403)
    c.var.session.setUserId(user)
    return c.redirect('/', 303)
  })
  .post('/click', async (c) => {
    await click(c.var.session)
    return c.redirect('/', 303)
  })
  .post('/sign-out', (c) => {
    c.var.session.destroy()
    return c.redirect('/', 303)
  })

app.onError((error) => {
  console.error(error)
  return new Response('failed\n', { status: statusOf(error) })
})

const server = serve({ fetch: app.fetch, port }, (address) => announce(address.port))
closeOnSignal(server, opened)
