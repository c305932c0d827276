/** Sessions under Express: `npx tsx examples/express/main.ts`. */
import type { AddressInfo } from 'node:net'
import { getSession, type Session } from 'coatcheck'
import { sessions } from 'coatcheck/adapters/express'
import express from 'express'
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

/** With `coatcheck/adapters/express/global` it is `req.session`; this way is typed by the manager. */
function mySession(): Session<Values> {
  const session = getSession(manager)
  if (session === undefined) throw new Error('sessions(manager) is not mounted')
  return session
}

const app = express()
app.use(sessions(manager))

app.get('/', (_req, res) => {
  res.type('html').send(toPage('Express', mySession()))
})

app.post('/sign-in', (req, res) => {
  const user = checkUser(req.query.user)
  if (user === undefined) {
    res.status(403).send('no such user\n')
    return
  }
  mySession().setUserId(user)
  res.redirect(303, '/')
})

app.post('/click', async (_req, res) => {
  await click(mySession())
  res.redirect(303, '/')
})

app.post('/sign-out', (_req, res) => {
  mySession().destroy()
  res.redirect(303, '/')
})

const server = app.listen(port, () => announce((server.address() as AddressInfo).port)) // listening on TCP
closeOnSignal(server, opened)
