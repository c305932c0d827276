import { ConfigError, generateKey, SessionManager } from 'coatcheck'
import { sessions as express } from 'coatcheck/adapters/express'
import { sessions as fastify } from 'coatcheck/adapters/fastify'
import { sessions as fetch } from 'coatcheck/adapters/fetch'
import { sessions as hono } from 'coatcheck/adapters/hono'
import { sessions as koa } from 'coatcheck/adapters/koa'
import { sessions as node } from 'coatcheck/adapters/node'
import { MemoryStore } from 'coatcheck/stores/memory'
import { describe, expect, it } from 'vitest'

const manager = new SessionManager({ store: new MemoryStore(), authKey: generateKey(), cleanupInterval: 0 })
const address = () => '192.0.2.1'

/** Each adapter, made with options, and all that it knows. */
const ADAPTERS: readonly (readonly [name: string, make: (options?: object) => unknown, known: object])[] = [
  ['node', (options) => node(manager, options), { property: 'ticket', address }],
  ['express', (options) => express(manager, options), { property: 'ticket' }],
  ['fastify', (options) => fastify(manager, options), { property: 'ticket' }],
  ['hono', (options) => hono(manager, options), { property: 'ticket', address }],
  ['koa', (options) => koa(manager, options), { property: 'ticket' }],
  ['fetch', (options) => fetch(manager, () => new Response(), options), { address }],
]

describe('sessions() of an adapter', () => {
  it.each(ADAPTERS)('for %s refuses an option that it does not know', (_name, make, known) => {
    const error = new ConfigError('sessions() has no option propery')
    expect(() => make({ ...known, propery: 'ticket' })).toThrow(error)
    expect(() => make({ propery: undefined })).toThrow(error)
  })

  it.each(ADAPTERS)('for %s takes all that it knows, undefined, and none', (_name, make, known) => {
    const nothing = Object.fromEntries(Object.keys(known).map((name) => [name, undefined]))
    for (const options of [known, nothing, {}, undefined]) expect(make(options)).toBeInstanceOf(Function)
  })
})
