import type { Mutant } from './mutant.ts'

const CONTRACT = ['test/contract/redis-single.test.ts']
const KEYS = ['test/integration/redis-keys.test.ts']
const UNIT = ['test/unit/stores/redis.test.ts']
const SCRIPTS = 'src/internal/redis-scripts.ts'

/** Faults in the store on Redis. */
export const mutantsOfRedis: readonly Mutant[] = [
  {
    name: 'redis-expired-lives',
    file: SCRIPTS,
    edits: [{ find: 'return facts and tonumber(now) < tonumber(facts.ends)', replace: 'return facts' }],
    tests: CONTRACT,
    why: 'a session that has ended can be written to and moved on, for the ten minutes that its key is still there',
  },
  {
    name: 'redis-touch-any-secret',
    file: SCRIPTS,
    edits: [
      {
        find: 'if not is_live(facts, ARGV[1]) or facts.secret ~= ARGV[2] then return nil end',
        replace: 'if not is_live(facts, ARGV[1]) then return nil end',
      },
    ],
    tests: CONTRACT,
    why: 'whoever holds the token from before a sign-in keeps the session alive',
  },
  {
    name: 'redis-old-secret-lives',
    file: SCRIPTS,
    edits: [
      {
        find: 'facts.secret, facts.seen, facts.ends, others[1] = renewed_secret, seen, ends, renewed_at',
        replace: 'facts.seen, facts.ends, others[1] = seen, ends, renewed_at',
      },
    ],
    tests: CONTRACT,
    why: 'the token from before a sign-in opens the session of who has signed in',
  },
  {
    name: 'redis-no-lifetime',
    file: SCRIPTS,
    edits: [
      {
        find: `    redis.call('pexpire', key, math.max(0, math.ceil(facts.ends - now)) + \${LINGER_MS})\n`,
        replace: '',
      },
    ],
    tests: KEYS,
    why: 'the server keeps every session for ever',
  },
  {
    name: 'redis-delete-any-user',
    file: SCRIPTS,
    edits: [{ find: "  if ARGV[1] ~= '' and ARGV[1] ~= user then return nil end\n", replace: '' }],
    tests: CONTRACT,
    why: 'one user ends the sessions of another',
  },
  {
    name: 'redis-drops-the-young',
    file: SCRIPTS,
    edits: [{ find: ` and tonumber(added) < now - \${LINGER_MS}`, replace: '' }],
    tests: KEYS,
    why: 'a list that is read beside a sign-in takes the session off the index, and revokeAll misses it',
  },
  {
    name: 'redis-sign-in-unlisted',
    file: 'src/stores/redis.ts',
    edits: [{ find: '      if (signIn !== undefined) {\n', replace: '      if (signIn === null) {\n' }],
    tests: CONTRACT,
    why: 'a session that was signed in to is in no list, and revokeAll misses it until its first touch',
  },
  {
    name: 'redis-revocation-lies',
    file: 'src/stores/redis.ts',
    edits: [{ find: 'await Promise.all(some.map(end))', replace: 'await Promise.allSettled(some.map(end))' }],
    tests: UNIT,
    why: 'revokeAll says that all have ended, while those on a server that is down live on',
  },
  {
    name: 'redis-begins-what-was-given-up',
    file: 'src/internal/redis-runner.ts',
    edits: [{ find: ' || performance.now() >= options.deadline', replace: '' }],
    tests: ['test/fault/redis-server.test.ts'],
    why: 'a sign-out answered 503 ends the session between the load and the commit of the next request',
  },
  {
    name: 'redis-reads-wait-for-each-other',
    file: 'src/internal/redis-reads.ts',
    edits: [{ find: 'gate: new Gate(Number.POSITIVE_INFINITY)', replace: 'gate: new Gate(4)' }],
    tests: UNIT,
    why: 'one silent server of a Cluster keeps everybody waiting',
  },
  {
    name: 'redis-change-unlisted',
    file: 'src/stores/redis.ts',
    edits: [
      {
        find: "      if (result.outcome === 'saved' && isFirstOfMinute) this.#listAgain(result.record, now, deadline)\n",
        replace: '',
      },
    ],
    tests: KEYS,
    why: 'a session that is changed all the time is never touched, and what a failover lost of an index stays lost',
  },
  {
    name: 'redis-index-grows',
    file: 'src/internal/redis-index.ts',
    edits: [{ find: 'ids.filter((_, i) => Number(counts[i]) === 0)', replace: '[]' }],
    tests: KEYS,
    why: 'the ids of sessions that the server freed before a cleanup came stay in the index of a user who goes on signing in',
  },
  {
    name: 'redis-any-number-in-a-script',
    file: SCRIPTS,
    edits: [
      {
        find: '(%d[%d.]*) (%d[%d.]*) (%d[%d.]*)',
        replace: '(%S+) (%S+) (%S+)',
      },
      {
        find: 'return (tonumber(fact) or 1e15) < 1e15',
        replace: 'return tonumber(fact)',
      },
    ],
    tests: KEYS,
    why: 'a record that ends at infinity is written to, and lives for ever',
  },
  {
    name: 'redis-any-number-read',
    file: 'src/internal/redis-record.ts',
    edits: [{ find: String.raw`(\d{1,15}(?:\.\d+)?)`, replace: String.raw`(\S+)` }],
    tests: KEYS,
    why: 'a record that ends at infinity opens a session that never ends',
  },
  {
    name: 'redis-prefixes-meet',
    file: 'src/internal/redis-keys.ts',
    edits: [{ find: '/[%{}]|[ud]$/g', replace: '/[%{}]/g' }],
    tests: ['test/property/redis-keys.test.ts'],
    why: 'a record of the store with the prefix au lies where the one with a has the index of a user',
  },
]
