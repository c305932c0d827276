// What each framework needs to be measured: a server of these routes behind this middleware, a middleware of its own
// made of a function that loads a session, and where a handler finds the session and sets a cookie.
import { createServer } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'

const connect = {
  toMiddleware: (load) => async (req, _res, next) => {
    req.session = await load(req.headers.cookie)
    next()
  },
  sessionOf: (req) => req.session,
  setCookie: (res, line) => res.setHeader('Set-Cookie', line),
}

export const FRAMEWORKS = {
  node: {
    ...connect,
    serve(middleware, routes) {
      const handle = async (req, res) => res.end(await routes[req.url](req, res))
      return createServer((req, res) =>
        middleware ? middleware(req, res, () => handle(req, res)) : handle(req, res),
      )
    },
  },

  express: {
    ...connect,
    serve(middleware, routes) {
      const app = express().disable('x-powered-by').disable('etag')
      if (middleware) app.use(middleware)
      for (const [path, route] of Object.entries(routes)) {
        app.all(path, async (req, res) => res.end(await route(req, res)))
      }
      return createServer(app)
    },
  },

  fastify: {
    toMiddleware: (load) => (app) => {
      app.decorateRequest('session', null)
      app.addHook('onRequest', async (request) => {
        request.session = await load(request.headers.cookie)
      })
    },
    sessionOf: (request) => request.session,
    setCookie: (reply, line) => reply.header('Set-Cookie', line),
    async serve(middleware, routes) {
      const app = fastify()
      if (middleware) await middleware(app)
      for (const [path, route] of Object.entries(routes)) {
        app.route({ method: ['GET', 'POST'], url: path, handler: (request, reply) => route(request, reply) })
      }
      await app.ready()
      return app.server
    },
  },

  hono: {
    toMiddleware: (load) => async (c, next) => {
      c.set('session', await load(c.req.header('cookie')))
      await next()
    },
    sessionOf: (c) => c.var.session,
    setCookie: (c, line) => c.header('Set-Cookie', line),
    serve(middleware, routes) {
      const app = new Hono()
      if (middleware) app.use(middleware)
      for (const [path, route] of Object.entries(routes)) {
        app.all(path, async (c) => c.text(await route(c, c)))
      }
      return createAdaptorServer(app)
    },
  },
}
