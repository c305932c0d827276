import { Readable } from 'node:stream'
import { sessions } from 'coatcheck/adapters/koa'
import Koa from 'koa'
import type { HttpHarness } from './http-case.ts'
import { listen, sessionsOf } from './node-harness.ts'

/** The adapter for Koa, with Koa's own error page. */
export const koaHarness: HttpHarness = {
  listen: (mounts, handle) => {
    const app = new Koa()
    app.silent = true // the error handler prints nothing
    for (const { manager, property } of mounts) app.use(sessions(manager, { property }))
    app.use(async (ctx) => {
      const { method, url } = ctx
      const { status, body, headers } = await handle({ method, url, sessions: sessionsOf(ctx, mounts) })
      for (const [name, value] of headers) ctx.append(name, value)
      ctx.status = status
      ctx.body = typeof body === 'string' ? body : Readable.from(body)
    })
    return listen(app.callback())
  },
}
