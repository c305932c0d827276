import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { sessions } from 'coatcheck/adapters/express'
import 'coatcheck/adapters/express/global'
import express from 'express'
import express4 from 'express4'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import { listen } from '../http/node-harness.ts'
import { type Kept, keep } from '../http/node-server.ts'

interface Running extends Kept {
  readonly browser: Browser
}

async function start(
  make: () => express.Express,
  mount: (app: express.Express, kept: Kept) => unknown,
): Promise<Running> {
  const kept = keep()
  const app = make()
  app.set('env', 'test') // the error handler prints nothing
  app.use(sessions(kept.manager))
  mount(app, kept)
  const { port, close } = await listen(app)
  const browser = new Browser(port)
  onTestFinished(async () => {
    browser.close()
    await close()
  })
  return { ...kept, browser }
}

for (const [version, make] of [
  ['Express 5', express],
  ['Express 4', express4],
] as const) {
  describe(`coatcheck/adapters/express under ${version}`, () => {
    it("leaves a handler's error to Express, whose status decides", async () => {
      const { browser, store } = await start(make, (app) => {
        app.post('/', (req) => {
          req.session.set('a', 1)
          throw new Error('failed')
        })
      })
      const received = await browser.ask('/', { method: 'POST' })
      expect(received.status).toBe(500)
      expect(received.headers['content-type']).toMatch(/html/)
      expect(received.headers.vary).toContain('Cookie')
      expect(received.setCookies).toEqual([])
      expect(store.writes()).toBe(0)
    })

    it("commits where the application's error handler answers below 500", async () => {
      const { browser, store } = await start(make, (app) => {
        app.get('/', (req, _res, next) => {
          req.session.set('tries', 1)
          next(new Error('no such page'))
        })
        app.use(
          (_error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
            res.status(404).send('nothing here')
          },
        )
      })
      const received = await browser.ask('/')
      expect([received.status, received.body]).toEqual([404, 'nothing here'])
      expect(received.setCookies.length).toBe(1)
      expect(store.calls.create).toBe(1)
    })

    it('sends the deletion cookie with the error page of a handler that failed after its destroy', async () => {
      const { browser } = await start(make, (app) => {
        app.get('/in', (req, res) => res.json(req.session.setUserId('ada').userId))
        app.get('/out', (req) => {
          req.session.destroy()
          throw new Error('failed')
        })
      })
      await browser.ask('/in')
      expect((await browser.ask('/out')).status).toBe(500)
      expect(browser.jar.size).toBe(0)
    })

    it('lets an error page replace what a failing handler had begun to write', async () => {
      const { browser, store } = await start(make, (app) => {
        app.get('/', (req, res) => {
          req.session.set('a', 1)
          res.type('csv').write('half a table')
          throw new Error('failed')
        })
      })
      const received = await browser.ask('/')
      expect(received.status).toBe(500)
      expect(received.body).not.toContain('half')
      expect(received.setCookies).toEqual([])
      expect(store.writes()).toBe(0)
    })

    it('sends an answer that was ended, though its handler fails afterwards', async () => {
      const { browser, shut } = await start(make, (app) => {
        app.get('/', (req, res, next) => {
          req.session.set('a', 1)
          res.json({ saved: true })
          next(new Error('the audit log is down'))
        })
      })
      const open = shut()
      const answer = browser.ask('/')
      for (let at = 0; at < 50; at++) await turn()
      open()
      const received = await answer
      expect([received.status, received.body]).toEqual([200, '{"saved":true}'])
      expect(received.headers['content-type']).toMatch(/json/)
      expect(received.setCookies.length).toBe(1)
    })

    it('gives a store that fails on the way in to the error handling, with its status', async () => {
      const errors: unknown[] = []
      const { browser, store } = await start(make, (app) => {
        app.get('/', (req, res) => res.json(req.session.setUserId('ada').userId))
        app.use(
          (
            error: { status: number; code: string },
            _req: express.Request,
            res: express.Response,
            _next: express.NextFunction,
          ) => {
            errors.push(error.code)
            res.status(error.status).send('come back later')
          },
        )
      })
      await browser.ask('/')
      store.failing.add('get')
      const received = await browser.ask('/')
      expect([received.status, received.body]).toEqual([503, 'come back later'])
      expect(errors).toEqual(['ERR_SESSION_STORE'])
    })

    it('answers itself on the way out, whatever the handler answered with', async () => {
      const { browser, store } = await start(make, (app) => {
        app.use((req, _res, next) => {
          req.session.set('a', 1)
          next()
        })
        app.get('/json', (_req, res) => res.json({ ok: true }))
        app.get('/file', (_req, res) => res.sendFile('package.json', { root: '.' }))
        app.get('/redirect', (_req, res) => res.redirect('/json'))
        app.get('/status', (_req, res) => res.sendStatus(204)) // and /none has no route at all
      })
      store.failing.add('create')
      for (const path of ['/json', '/file', '/redirect', '/status', '/none']) {
        const received = await browser.ask(path)
        expect([path, received.status, received.body]).toEqual([path, 503, 'Service Unavailable\n'])
        expect(received.headers.etag).toBeUndefined()
        expect(received.headers.location).toBeUndefined()
      }
    })

    it('commits before a file, a conditional answer and a redirect', async () => {
      const { browser } = await start(make, (app) => {
        app.use((req, _res, next) => {
          req.session.set(req.path, 1)
          next()
        })
        app.get('/file', (_req, res) => res.sendFile('package.json', { root: '.' }))
        app.get('/redirect', (_req, res) => res.redirect('/json'))
        app.get('/values', (req, res) => res.json(req.session.values()))
      })
      const file = await browser.ask('/file')
      expect(file.json()).toHaveProperty('name', 'coatcheck')
      const again = await browser.ask('/file', { headers: { 'if-none-match': file.headers.etag ?? '' } })
      expect(again.status).toBe(304)
      await browser.ask('/redirect')
      expect((await browser.ask('/values')).json()).toEqual({ '/file': 1, '/redirect': 1, '/values': 1 })
    })

    it('is one session in an application and in those that are mounted in it', async () => {
      const { browser, store } = await start(make, (app, { manager }) => {
        const part = make()
        part.use(sessions(manager))
        part.get('/x', (req, res) => res.json({ ...req.session.set('part', 1).values() }))
        app.use((req, _res, next) => {
          req.session.set('whole', 1)
          next()
        })
        app.use('/part', part)
      })
      expect((await browser.ask('/part/x')).json()).toEqual({ part: 1, whole: 1 })
      expect(store.writes()).toBe(1)
    })

    it('keeps the address that Express reads under its own proxy setting (R-078)', async () => {
      const { browser, manager } = await start(make, (app) => {
        app.set('trust proxy', 1)
        app.get('/', (req, res) => res.json(req.session.setUserId('ada').userId))
      })
      await browser.ask('/', { headers: { 'x-forwarded-for': '203.0.113.9, 198.51.100.4' } })
      expect((await manager.listSessions('ada'))[0]?.address).toBe('198.51.100.4')
    })

    it('believes no X-Forwarded-For where no proxy is trusted (R-040)', async () => {
      const { browser, manager } = await start(make, (app) => {
        app.get('/', (req, res) => res.json(req.session.setUserId('ada').userId))
      })
      await browser.ask('/', { headers: { 'x-forwarded-for': '203.0.113.9' } })
      expect((await manager.listSessions('ada'))[0]?.address).toMatch(/127\.0\.0\.1$/)
    })

    it('gives a handler that has flushed its head a StateError', async () => {
      const { browser } = await start(make, (app) => {
        app.get('/', async (req, res) => {
          req.session.set('a', 1)
          res.write('one ')
          await once(res, 'drain')
          try {
            req.session.set('b', 1)
          } catch (error) {
            res.end((error as { code: string }).code) // a StateError
          }
        })
      })
      expect((await browser.ask('/')).body).toBe('one ERR_SESSION_STATE')
    })
  })
}
