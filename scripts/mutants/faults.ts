import { COMMIT_AFTER_THE_HEAD, STORE_FAILURE_IS_NOBODY } from './answers.ts'
import type { Fault, Mutant } from './mutant.ts'
import { RENEWAL_BY_DELETE_AND_INSERT } from './secrets.ts'

const CONNECTION = 'src/internal/postgres-connection.ts'

const FAILED_SAVE_IS_SAVED: Fault = {
  file: 'src/internal/commit.ts',
  edits: [
    {
      find: 'await save(this.#call, record.id, change, this.#now)',
      replace:
        "await save(this.#call, record.id, change, this.#now).catch(() => ({ outcome: 'saved' as const, record }))",
    },
  ],
}

/** What the tests of faults, in test/fault/, are there to notice: each with its protection taken out. */
const faults: readonly Omit<Mutant, 'needsPostgres'>[] = [
  {
    name: 'fault-server-killed-acknowledged',
    ...FAILED_SAVE_IS_SAVED,
    tests: ['test/fault/server-killed.test.ts'],
    why: 'what a client was told is saved is not, because the database was killed',
  },
  {
    name: 'fault-connection-silent-acknowledged',
    ...FAILED_SAVE_IS_SAVED,
    tests: ['test/fault/connection-silent.test.ts'],
    why: 'what a client was told is saved is not, because nobody answered',
  },
  {
    name: 'fault-connection-silent-for-ever',
    file: CONNECTION,
    edits: [{ find: '      limitConnecting(db)\n', replace: '' }],
    tests: ['test/fault/connection-silent.test.ts'],
    why: 'after a silent network the application has to be restarted',
  },
  {
    name: 'fault-pool-queue-grows',
    file: CONNECTION,
    edits: [{ find: 'if (this.#abandoned >= this.size) throw', replace: 'if (this.size === 0) throw' }],
    tests: ['test/fault/pool.test.ts'],
    why: 'statements that nobody waits for any more pile up in the driver',
  },
  {
    name: 'fault-pool-hung-statement',
    file: CONNECTION,
    edits: [{ find: 'setTimer(deadline, () => {', replace: 'setTimer(Number.POSITIVE_INFINITY, () => {' }],
    tests: ['test/integration/postgres-failures.test.ts'],
    why: 'a statement that hangs keeps its connection, and four of them stop all reads',
  },
  {
    name: 'fault-pool-sent-late',
    file: CONNECTION,
    edits: [
      { find: '      if (performance.now() >= deadline) {\n', replace: '      if (deadline <= 0) {\n' },
    ],
    tests: ['test/fault/pool.test.ts'],
    why: 'a sign-out that was answered 503 ends a session that is in use again',
  },
  {
    name: 'fault-pool-nobody',
    ...STORE_FAILURE_IS_NOBODY,
    tests: ['test/fault/pool.test.ts'],
    why: 'everybody is signed out while there is no connection',
  },
  {
    name: 'fault-batch-not-asked-alone',
    file: 'src/internal/postgres-errors.ts',
    edits: [
      { find: "  '40001', // serialization_failure", replace: "  '4000x', // serialization_failure" },
      { find: "  '57014', // query_canceled", replace: "  '5701x', // query_canceled" },
    ],
    tests: ['test/fault/batch.test.ts'],
    why: 'one statement that is undone fails the requests of everybody in its batch',
  },
  {
    name: 'fault-flood-all-wait',
    file: 'src/internal/backlog.ts',
    edits: [{ find: '      if (this.#isSilent)\n', replace: '      if (this.#waiting < 0)\n' }],
    tests: ['test/fault/flood.test.ts'],
    why: 'memory grows with every request while the database is away',
  },
  {
    name: 'fault-flood-fixed-limit',
    file: 'src/internal/backlog.ts',
    edits: [{ find: '      if (this.#isSilent)\n', replace: '      if (this.#waiting > 0)\n' }],
    tests: ['test/fault/flood.test.ts'],
    why: 'a job that touches 50,000 sessions at once fails in part on a server that is well',
  },
  {
    name: 'fault-flood-http-never-given-up',
    file: CONNECTION,
    edits: [
      {
        find: 'return await within(remaining + GRACE_MS, work, () => this.#abandon(work))',
        replace: 'return await work',
      },
    ],
    tests: ['test/fault/flood-http.test.ts'],
    why: 'what nobody waits for any more is kept while the database is away',
  },
  {
    name: 'fault-store-timeout-never',
    file: 'src/internal/store-guard.ts',
    edits: [
      { find: 'wait(answer(store, run), endsAt,', replace: 'wait(answer(store, run), endsAt + 2 ** 30,' },
    ],
    tests: ['test/fault/store-timeout.test.ts'],
    why: 'a store that hangs hangs every request',
  },
  {
    name: 'fault-standby-acknowledged',
    ...FAILED_SAVE_IS_SAVED,
    tests: ['test/fault/standby.test.ts'],
    why: 'what a client was told is saved is not, because the database was read-only',
  },
  {
    name: 'fault-disk-full-acknowledged',
    ...FAILED_SAVE_IS_SAVED,
    tests: ['test/fault/disk-full.test.ts'],
    why: 'what a client was told is saved is not, because the disk was full',
  },
  {
    name: 'fault-log-disk-full-acknowledged',
    ...FAILED_SAVE_IS_SAVED,
    tests: ['test/fault/log-disk-full.test.ts'],
    why: 'what a client was told is saved is not, because the database could not write its log',
  },
  {
    name: 'fault-disk-full-read-waits-for-touch',
    file: 'src/manager.ts',
    edits: [
      {
        find: 'return this.#draftOf(session).needsCommit',
        replace: 'return this.#draftOf(session) !== undefined',
      },
      { find: '.then(done, () => undefined)', replace: '.then(done)' },
    ],
    tests: ['test/fault/disk-full.test.ts'],
    why: 'a read fails because the time of it cannot be written down',
  },
  {
    name: 'fault-process-killed-renewal-in-two',
    ...RENEWAL_BY_DELETE_AND_INSERT,
    tests: ['test/fault/process-killed.test.ts'],
    why: 'a crash between the two loses the session',
  },
  {
    name: 'fault-process-killed-change-of-user',
    file: 'src/internal/commit.ts',
    edits: [
      {
        find: `        await this.#endRecord(plan.record.id, plan.record.userId, 'sign-out')
        return this.#create(prepared)
`,
        replace: `        const cookie = await this.#create(prepared)
        await this.#endRecord(plan.record.id, plan.record.userId, 'sign-out')
        return cookie
`,
      },
    ],
    tests: ['test/fault/process-killed.test.ts'],
    why: 'a user who handed the browser over is still signed in beside the next one',
  },
  {
    name: 'fault-process-killed-sign-out-in-two',
    file: 'src/internal/postgres-writes.ts',
    edits: [
      {
        find: '    const send = async () => {\n',
        replace: `    const send = async () => {
      const half = { name: undefined, text: "update sessions set user_id = '' where id = $1" }
      await this.#runner.run(half, [id], { deadline, gate, repeat: 'always' })
`,
      },
    ],
    tests: ['test/fault/process-killed.test.ts'],
    why: 'a session is left of which nobody knows whose it was',
  },
  {
    name: 'fault-migration-commits-in-between',
    file: 'src/internal/postgres-migration.ts',
    edits: [{ find: `\${addColumns(table)}\n\n`, replace: `\${addColumns(table)}\n  commit;\n` }],
    tests: ['test/fault/migration-killed.test.ts'],
    why: 'a migration that is broken off leaves half a table',
  },
  {
    name: 'fault-migration-in-two',
    file: 'src/stores/postgres.ts',
    edits: [
      {
        find: "    await this.#attempts.run('migrate', () =>",
        replace: `    const first = { name: undefined, text: 'create table if not exists sessions (id text primary key)' }
    await this.#connection.run(first, [], Number.POSITIVE_INFINITY)
    await this.#attempts.run('migrate', () =>`,
      },
    ],
    tests: ['test/fault/migration-killed.test.ts'],
    why: 'a process that ends between the two leaves half a table',
  },
  {
    name: 'fault-process-stopped-acknowledged-early',
    ...COMMIT_AFTER_THE_HEAD,
    tests: ['test/fault/process-stopped.test.ts'],
    why: 'what a client was told is saved is not, because the process was told to stop',
  },
  {
    name: 'fault-process-stopped-close-waits-for-nothing',
    file: 'src/manager.ts',
    edits: [
      { find: '    await this.#pending.settle()\n', replace: '' },
      { find: '    await this.store.close?.()\n', replace: '' },
    ],
    tests: ['test/fault/process-stopped.test.ts'],
    why: 'a deployment loses the touches that are under way',
  },
]

export const mutantsOfFaults: readonly Mutant[] = faults.map((mutant) => ({ ...mutant, needsPostgres: true }))
