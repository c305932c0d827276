import { createServer } from 'node:http2'
import { getSession, type Session, SessionManager } from 'coatcheck'
import { sessions as fastifySessions } from 'coatcheck/adapters/fastify'
import { sessions as fetchSessions } from 'coatcheck/adapters/fetch'
import { type HonoSession, sessions as honoSessions } from 'coatcheck/adapters/hono'
import { sessions as koaSessions } from 'coatcheck/adapters/koa'
import { MemoryStore } from 'coatcheck/stores/memory'
import { fastify } from 'fastify'
import { type Context, Hono } from 'hono'
import Koa from 'koa'

interface Cart {
  items: string[]
}

interface Staff {
  role: 'admin'
}

const options = { store: new MemoryStore(), authKey: 'k'.repeat(32) }
const manager = new SessionManager<Cart>(options)
const staff = new SessionManager<Staff>({ ...options, cookie: { name: '__Host-staff' } })

// Hono: the session under its name, with the values of its manager
new Hono()
  .use(honoSessions(manager))
  .use('/admin/*', honoSessions(staff, { property: 'staff' }))
  .get('/', (c) => {
    const items: string[] | undefined = c.var.session.get('items')
    const role: 'admin' | undefined = c.get('staff').get('role')
    // @ts-expect-error no such key
    c.var.session.set('other', 1)
    // @ts-expect-error not a value of that key
    c.var.session.set('items', 1)
    // @ts-expect-error no such variable
    c.var.other
    return c.text(`${items?.join()} ${role}`)
  })
  // a value that a handler answers with keeps its type beside ours
  .get('/items', (c) => c.json({ items: c.var.session.get('items') ?? [] }))

const app = new Hono<HonoSession<Cart> & { Bindings: { readonly PORT: string } }>()
app.use(honoSessions(manager, { address: (c: Context) => c.req.header('cf-connecting-ip') }))
app.get('/', (c) => c.text(`${c.env.PORT} ${c.var.session.get('items')?.length}`))
// @ts-expect-error not a manager
honoSessions(options.store)
// @ts-expect-error no such option
honoSessions(manager, { name: 'cart' })

// Koa: the session under its name, beside what other middleware brings
new Koa()
  .use(koaSessions(manager))
  .use(koaSessions(staff, { property: 'staff' }))
  .use((ctx, next) => {
    const items: string[] | undefined = ctx.session.get('items')
    const role: 'admin' | undefined = ctx.staff.get('role')
    // @ts-expect-error no such key
    ctx.session.set('other', 1)
    ctx.body = `${items?.join()} ${role} ${ctx.path}`
    return next()
  })
// @ts-expect-error no such option
koaSessions(manager, { name: 'cart' })

// Fastify: a plugin, of HTTP/1 and of HTTP/2
fastify().register(fastifySessions(manager, { property: 'cart' }))
fastify({ http2: true }).register(fastifySessions(manager))
fastify().register(async (scope) => {
  scope.register(fastifySessions(manager))
  scope.get('/', async (request) => {
    const items: string[] | undefined = getSession(manager)?.get('items')
    // @ts-expect-error opt-in, by coatcheck/adapters/fastify/global
    request.session.userId
    return items
  })
})
// @ts-expect-error no such option
fastifySessions(manager, { name: 'cart' })

// fetch: the handler's arguments keep their types
interface Env {
  readonly GREETING: string
}
interface NextRequest extends Request {
  readonly nextUrl: URL
}
interface RouteContext {
  readonly params: Promise<{ readonly id: string }>
}

const worker: { fetch(request: Request, env: Env, ctx: object): Promise<Response> } = {
  fetch: fetchSessions(manager, (request: Request, env: Env) => new Response(env.GREETING + request.url)),
}
worker.fetch(new Request('http://localhost'), { GREETING: 'hello' }, {})

export const GET: (request: NextRequest, context: RouteContext) => Promise<Response> = fetchSessions(
  manager,
  async (request: NextRequest, { params }: RouteContext) => {
    const session: Session<Cart> | undefined = getSession(manager)
    return Response.json({ id: (await params).id, path: request.nextUrl.pathname, user: session?.userId })
  },
  { address: (request, context) => request.headers.get('x-real-ip') ?? String(context) },
)

const bare: (request: Request) => Promise<Response> = fetchSessions(manager, () => new Response())
bare(new Request('http://localhost'))
// @ts-expect-error no response
fetchSessions(manager, () => 'text')
// @ts-expect-error the handler is missing
fetchSessions(manager)
// @ts-expect-error no such option
fetchSessions(manager, () => new Response(), { property: 'session' })

createServer(new Koa().use(koaSessions(manager)).callback())
