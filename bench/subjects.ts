/** One server to measure. */
export interface Subject {
  readonly framework: string
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

const COMMON = ['none', 'select', 'limit', 'coatcheck']
const PEERS: Readonly<Record<string, readonly string[]>> = {
  express: ['express-session tuned', 'express-session'],
  fastify: ['@fastify/session tuned', '@fastify/session'],
}

export const SUBJECTS: readonly Subject[] = ['node', 'express', 'fastify', 'hono'].flatMap((framework) =>
  [...COMMON, ...(PEERS[framework] ?? [])].map((sessions) => ({ framework, sessions })),
)

export const WORKS: readonly Work[] = [
  {
    name: 'read',
    title: 'read, 64 connections',
    path: '/',
    connections: 64,
    leavesOut: ['select'],
  },
  {
    name: 'change',
    title: 'one value changed, 64 connections',
    path: '/change',
    connections: 64,
    leavesOut: ['none', 'select'],
  },
  { name: 'lone', title: 'read, 1 connection', path: '/', connections: 1, leavesOut: [] },
]
