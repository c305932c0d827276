import type { Fault, Mutant } from './mutant.ts'

const ANSWERS = ['test/unit/manager/answers.test.ts']
const HEADERS = ['test/unit/manager/cookies.test.ts']

export const COMMIT_AFTER_THE_HEAD: Fault = {
  file: 'src/internal/held-response.ts',
  edits: [
    {
      find: '    if (this.#commits.some((commit) => commit.isNeeded())) {\n',
      replace: '    if (this.#commits.length === 0) {\n',
    },
  ],
}

export const STORE_FAILURE_IS_NOBODY: Fault = {
  file: 'src/manager.ts',
  edits: [
    {
      find: "exchange.header('cookie'), now, this.#guard.begin())\n",
      replace:
        "exchange.header('cookie'), now, this.#guard.begin()).catch(() => ({ arrival: { kind: 'nobody' as const }, cookieCame: true }))\n",
    },
  ],
}

/** Faults of what leaves with a response. */
export const mutantsOfAnswers: readonly Mutant[] = [
  {
    name: 'commit-after-the-head',
    ...COMMIT_AFTER_THE_HEAD,
    tests: ['test/integration/node-hold.test.ts'],
    why: 'a client is told that something is saved before it is',
  },
  {
    name: 'commit-after-the-head-fetch',
    file: 'src/internal/fetch-commit.ts',
    edits: [
      {
        find: '  if (!manager.needsRefresh(session)) {\n',
        replace: '  if (!manager.needsRefresh(session) || response.ok) {\n',
      },
    ],
    tests: ['test/integration/fetch-http.test.ts'],
    why: 'a client is told that something is saved before it is',
  },
  {
    name: 'failure-commits-changes',
    file: 'src/manager.ts',
    edits: [{ find: 'draft.plan(exchange.status >= 500)', replace: 'draft.plan(exchange.status >= 600)' }],
    tests: ANSWERS,
    why: 'a handler that failed half-way leaves half of its changes',
  },
  {
    name: 'failure-undoes-sign-out',
    file: 'src/internal/draft.ts',
    edits: [
      {
        find: "if (!failed || plan.kind === 'end') return plan",
        replace: 'if (!failed) return plan',
      },
    ],
    tests: ANSWERS,
    why: 'a user who signed out is still in, because a page failed afterwards',
  },
  {
    name: 'deletion-for-an-unknown-token',
    file: 'src/manager.ts',
    edits: [
      {
        find: "    return plan.kind === 'nothing' ? this.#touchIfDue(draft)",
        replace: `    if (plan.kind === 'nothing' && draft.cookieCame && draft.arrived === undefined)
      return this.#commit(exchange, draft, { kind: 'end', id: undefined, userId: '', by: 'destroy' })
    return plan.kind === 'nothing' ? this.#touchIfDue(draft)`,
      },
    ],
    tests: ANSWERS,
    why: 'it arrives after the new cookie of a parallel request, and signs the browser out',
  },
  {
    name: 'deletion-for-a-superseded-write',
    file: 'src/internal/draft.ts',
    edits: [
      {
        find: "return { kind: 'refuse', reason: 'superseded', id: arrival.id }",
        replace: "return { kind: 'end', id: undefined, userId: '', by: 'destroy' }",
      },
    ],
    tests: ANSWERS,
    why: 'a parallel request’s new cookie is taken away again',
  },
  {
    name: 'set-cookie-twice',
    file: 'src/cookies/header.ts',
    edits: [
      {
        find: 'return [...lines.filter((other) => !isSetCookieOf(other, cookie.name)), line]',
        replace: 'return [...lines, line]',
      },
    ],
    tests: ['test/unit/cookies/set-cookie.test.ts'],
    why: 'a browser keeps the one of the two that was meant to go',
  },
  {
    name: 'no-store-left-out',
    file: 'src/manager.ts',
    edits: [{ find: "    exchange.setHeader('cache-control', 'no-store')\n", replace: '' }],
    tests: HEADERS,
    why: 'a cache hands one visitor’s cookie to the next',
  },
  {
    name: 'no-store-lost-with-the-head',
    file: 'src/internal/held-response.ts',
    edits: [{ find: "    this.#response.setHeader('Cache-Control', 'no-store')\n", replace: '' }],
    tests: ['test/integration/node-head.test.ts'],
    why: 'a cache hands one visitor’s cookie to the next, where the handler wrote the head',
  },
  {
    name: 'vary-left-out-at-start',
    file: 'src/manager.ts',
    edits: [
      { find: '    varyByCookie(exchange)\n    const authentication', replace: '    const authentication' },
    ],
    tests: HEADERS,
    why: 'a cache hands one visitor’s page to the next, where the store failed',
  },
  {
    name: 'vary-left-out-at-the-end',
    file: 'src/manager.ts',
    edits: [{ find: '    if (!exchange.headSent) varyByCookie(exchange)\n', replace: '' }],
    tests: HEADERS,
    why: 'a cache hands one visitor’s page to the next, where the handler wrote over Vary',
  },
  {
    name: 'visitor-is-stored',
    file: 'src/internal/draft.ts',
    edits: [
      {
        find: "return this.#hasContent ? { kind: 'create' } : { kind: 'nothing' }",
        replace: "return { kind: 'create' }",
      },
    ],
    tests: ['test/unit/manager/sign-in.test.ts', 'test/unit/manager/answers.test.ts'],
    why: 'a visitor who was given nothing costs a record',
  },
  {
    name: 'ambiguous-takes-the-first',
    file: 'src/internal/authenticate.ts',
    edits: [
      {
        find: 'if (live.size === 1)',
        replace: 'if (live.size > 0)',
      },
    ],
    tests: ANSWERS,
    why: 'who tosses a cookie from a sibling domain decides whose session it is',
  },
  {
    name: 'store-failure-is-nobody',
    ...STORE_FAILURE_IS_NOBODY,
    tests: ['test/unit/manager/store-failures.test.ts'],
    why: 'everybody is signed out while the database is away',
  },
]
