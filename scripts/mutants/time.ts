import type { Mutant } from './mutant.ts'

const CONTRACT = ['test/contract/memory.test.ts']
const POSTGRES_CONTRACT = ['test/contract/postgres.test.ts']
const TIME = ['test/unit/manager/time.test.ts']
const TOKENS = ['test/unit/cookies/native.test.ts']

/** Faults of the clock: one millisecond decides who is in. */
export const mutantsOfTime: readonly Mutant[] = [
  {
    name: 'token-lives-at-its-end',
    file: 'src/cookies/native.ts',
    edits: [
      {
        find: "if (absoluteEnd <= now) return refused('expired', id)",
        replace: "if (absoluteEnd < now) return refused('expired', id)",
      },
    ],
    tests: TOKENS,
    why: 'a token reaches the store past its absolute end',
  },
  {
    name: 'token-from-the-future',
    file: 'src/cookies/native.ts',
    edits: [{ find: 'if (issuedAt > now + MAX_SKEW_MS)', replace: 'if (issuedAt > now + 2 * MAX_SKEW_MS)' }],
    tests: TOKENS,
    why: 'a token made in advance with a key seen for a moment is taken later',
  },
  {
    name: 'record-lives-at-its-end-memory',
    file: 'src/stores/memory.ts',
    edits: [{ find: 'return now < record.expiresAt\n', replace: 'return now <= record.expiresAt\n' }],
    tests: CONTRACT,
    why: 'a session outlives its timeout',
  },
  {
    name: 'get-lives-at-its-end-postgres',
    file: 'src/internal/postgres-reads.ts',
    edits: [{ find: 'request.now < record.expiresAt', replace: 'request.now <= record.expiresAt' }],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a session outlives its timeout',
  },
  {
    name: 'merge-lives-at-its-end-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [{ find: `c.held_expires_at <= \${at('c.now')}`, replace: `c.held_expires_at < \${at('c.now')}` }],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a write brings back a session whose time was over',
  },
  {
    name: 'save-lives-at-its-end-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `when c.expires_at <= \${at('$3')} then 'gone'`,
        replace: `when c.expires_at < \${at('$3')} then 'gone'`,
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a renewal brings back a session whose time was over',
  },
  {
    name: 'touch-lives-at-its-end-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `and l.expires_at > \${at('c.now')} as is_live`,
        replace: `and l.expires_at >= \${at('c.now')} as is_live`,
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a touch brings back a session whose time was over',
  },
  {
    name: 'list-lives-at-its-end-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `t.user_id <> '' and t.expires_at > \${at('$2')}`,
        replace: `t.user_id <> '' and t.expires_at >= \${at('$2')}`,
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a list of devices names one that is out',
  },
  {
    name: 'cleanup-leaves-its-end-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [{ find: `and t.expires_at <= \${at('$1')}`, replace: `and t.expires_at < \${at('$1')}` }],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a record that nobody can open is kept',
  },
  {
    name: 'use-moves-absolute-end',
    file: 'src/internal/durations.ts',
    edits: [
      {
        find: 'return Math.min(now + toMs(idleTimeout), absoluteEnd)',
        replace: 'return Math.max(now + toMs(idleTimeout), absoluteEnd)',
      },
    ],
    tests: TIME,
    why: 'a busy session never ends',
  },
  {
    name: 'touch-moves-back-memory',
    file: 'src/stores/memory.ts',
    edits: [
      {
        find: 'expiresAt: Math.max(record.expiresAt, to.expiresAt),',
        replace: 'expiresAt: to.expiresAt,',
      },
    ],
    tests: CONTRACT,
    why: 'a slow request shortens a session that a later one prolonged',
  },
  {
    name: 'cleanup-by-one-clock',
    file: 'src/internal/cleaner.ts',
    edits: [{ find: 'return Math.min(now, serverNow)', replace: 'return now' }],
    tests: ['test/unit/manager/cleanup.test.ts'],
    why: 'a server whose clock is a day ahead deletes sessions that live another day',
  },
  {
    name: 'touch-on-every-read',
    file: 'src/internal/touches.ts',
    edits: [{ find: 'return now - last >= interval', replace: 'return now - last >= 0' }],
    tests: TIME,
    why: 'ten reads cost ten writes',
  },
  {
    name: 'grace-never-given',
    file: 'src/internal/authenticate.ts',
    edits: [
      {
        find: 'record.renewedAt >= now - SUPERSEDED_GRACE_MS',
        replace: 'record.renewedAt === Number.NaN',
      },
    ],
    tests: ['test/unit/manager/answers.test.ts'],
    why: 'a request beside a renewal begins another session and signs its browser out',
  },
  {
    name: 'grace-never-ends',
    file: 'src/internal/authenticate.ts',
    edits: [
      {
        find: 'record.renewedAt >= now - SUPERSEDED_GRACE_MS',
        replace: 'record.renewedAt > 0',
      },
    ],
    tests: ['test/unit/manager/answers.test.ts'],
    why: 'an old token names its session for ever, and can end it',
  },
  {
    name: 'grace-one-millisecond-longer',
    file: 'src/internal/authenticate.ts',
    edits: [
      {
        find: 'record.renewedAt >= now - SUPERSEDED_GRACE_MS',
        replace: 'record.renewedAt >= now - SUPERSEDED_GRACE_MS - 1',
      },
    ],
    tests: ['test/unit/manager/answers.test.ts'],
    why: 'the bound that is promised is not the bound that holds',
  },
]
