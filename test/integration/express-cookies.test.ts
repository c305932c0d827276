import { sessions } from 'coatcheck/adapters/express'
import 'coatcheck/adapters/express/global'
import cookieParser from 'cookie-parser'
import express from 'express'
import express4 from 'express4'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import { listen } from '../http/node-harness.ts'
import { keep } from '../http/node-server.ts'

for (const [version, make] of [
  ['Express 5', express],
  ['Express 4', express4],
] as const) {
  describe(`coatcheck/adapters/express beside cookie-parser, under ${version}`, () => {
    for (const order of ['before', 'after'] as const) {
      it(`is mounted ${order} it: each reads its own cookies and sets them`, async () => {
        const { manager } = keep()
        const app = make()
        const parser = cookieParser('a secret of cookie-parser')
        app.use(...(order === 'before' ? [sessions(manager), parser] : [parser, sessions(manager)]))
        app.post('/', (req, res) => {
          req.session.setUserId('ada')
          res.cookie('theme', 'dark', { signed: true }).cookie('lang', 'en').send('in')
        })
        app.get('/', (req, res) => res.json([req.session.userId, req.signedCookies.theme, req.cookies.lang]))
        const { port, close } = await listen(app)
        const browser = new Browser(port)
        onTestFinished(async () => {
          browser.close()
          await close()
        })
        const { setCookies } = await browser.ask('/', { method: 'POST' })
        expect(setCookies.map((line) => line.split('=')[0]).sort()).toEqual(['__Host-id', 'lang', 'theme'])
        expect((await browser.ask('/')).json()).toEqual(['ada', 'dark', 'en'])
      })
    }
  })
}
