/** Sessions under Fastify: `npx tsx examples/fastify/main.ts`. */
import type { AddressInfo } from 'node:net'
import { getSession, type Session } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/fastify'
import { fastify } from 'fastify'
import {
  announce,
  checkUser,
  click,
  closeOnSignal,
  openManager,
  port,
  toPage,
  type Values,
} from '../hello.ts'

const opened = await openManager()
const { manager } = opened

/** With `coatcheck/adapters/fastify/global` it is `request.session`; this way is typed by the manager. */
function mySession(): Session<Values> {
  const session = getSession(manager)
  if (session === undefined) throw new Error('sessions(manager) is not registered')
  return session
}

const app = fastify()
await app.register(sessions(manager))

app.get('/', async (_request, reply) => {
  return reply.type('text/html; charset=utf-8').send(toPage('Fastify', mySession()))
})

app.post<{ Querystring: { user?: string } }>('/sign-in', async (request, reply) => {
  const user = checkUser(request.query.user)
  if (user === undefined) return reply.code(403).send('no such user\n')
  mySession().setUserId(user)
  return reply.redirect('/', 303)
})

app.post('/click', async (_request, reply) => {
  await click(mySession())
  return reply.redirect('/', 303)
})

app.post('/sign-out', async (_request, reply) => {
  mySession().destroy()
  return reply.redirect('/', 303)
})

// Browsers post the forms, which are empty, in this type.
app.addContentTypeParser('application/x-www-form-urlencoded', (_request, _body, done) => done(null))

await app.listen({ port })
announce((app.server.address() as AddressInfo).port) // listening on TCP
closeOnSignal(app, opened)
