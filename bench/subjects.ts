/** One server to measure. */
export interface Subject {
  readonly framework: string
  readonly store: string
  /** A kind of `server/sessions.mjs`. */
  readonly sessions: string
}

/** One way to put a load on a server. */
export interface Work {
  readonly name: string
  /** What follows in words. */
  readonly title: string
  readonly path: string
  readonly connections: number
  /** Kinds of sessions that have nothing to show here. */
  readonly leavesOut: readonly string[]
}

export const STORES = ['postgres', 'redis'] as const

/** Beside the peers. */
const COMMON: Readonly<Record<(typeof STORES)[number], readonly string[]>> = {
  postgres: ['none', 'select', 'limit', 'coatcheck'],
  redis: ['get', 'limit', 'limit on hashes', 'coatcheck'],
}
const PEERS: Readonly<Record<string, readonly string[]>> = {
  express: ['express-session tuned', 'express-session'],
  fastify: ['@fastify/session tuned', '@fastify/session'],
}
const FRAMEWORKS: Readonly<Record<(typeof STORES)[number], readonly string[]>> = {
  postgres: ['node', 'express', 'fastify', 'hono'],
  redis: ['node', 'express', 'fastify'],
}

export const SUBJECTS: readonly Subject[] = STORES.flatMap((store) =>
  FRAMEWORKS[store].flatMap((framework) =>
    [...COMMON[store], ...(PEERS[framework] ?? [])].map((sessions) => ({ framework, store, sessions })),
  ),
)

export const WORKS: readonly Work[] = [
  {
    name: 'read',
    title: 'read, 64 connections',
    path: '/',
    connections: 64,
    leavesOut: ['select', 'get'],
  },
  {
    name: 'change',
    title: 'one value changed, 64 connections',
    path: '/change',
    connections: 64,
    leavesOut: ['none', 'select', 'get'],
  },
  { name: 'lone', title: 'read, 1 connection', path: '/', connections: 1, leavesOut: [] },
]
