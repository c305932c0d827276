import type { Fault, Mutant } from './mutant.ts'

const CONTRACT = ['test/contract/memory.test.ts']
const POSTGRES_CONTRACT = ['test/contract/postgres.test.ts']
const POSTGRES_BATCHES = ['test/integration/postgres-batches.test.ts']
const POSTGRES_LOCKS = ['test/integration/postgres-locks.test.ts']

export const SAVE_UPSERTS_POSTGRES: Fault = {
  file: 'src/internal/postgres-writes.ts',
  edits: [
    {
      find: "      return rows[0] === undefined ? { outcome: 'gone' } : toSaveResult(rows[0])\n",
      replace: `      if (rows[0] !== undefined) return toSaveResult(rows[0])
      const { secretHash, lastSeenAt, expiresAt } = change
      const times = { createdAt: now, signedInAt: undefined, renewedAt: now, lastSeenAt, expiresAt }
      const rest = { idleTimeout: 3600, absoluteEnd: expiresAt, persistent: false, version: 1 }
      const nobody = { userId: '', address: undefined, userAgent: undefined }
      const record = { id, secretHash, values: toSetText(change), ...times, ...rest, ...nobody }
      await this.create(record)
      return { outcome: 'saved' as const, record }
`,
    },
  ],
}

/** Faults in how changes are written. */
export const mutantsOfChanges: readonly Mutant[] = [
  {
    name: 'save-upserts-memory',
    file: 'src/stores/memory.ts',
    edits: [
      {
        find: "    if (record === undefined) return { outcome: 'gone' }\n",
        replace: `    if (record === undefined) {
      const { secretHash, lastSeenAt, expiresAt } = change
      const times = { createdAt: now, signedInAt: undefined, renewedAt: now, lastSeenAt, expiresAt }
      const rest = { idleTimeout: 3600, absoluteEnd: expiresAt, persistent: false, version: 1 }
      const values = toChangedValues(new Map(), change)
      const nobody = { userId: '', address: undefined, userAgent: undefined }
      const revived = this.#put({ id, secretHash, values, ...times, ...rest, ...nobody })
      return { outcome: 'saved', record: revived }
    }
`,
      },
    ],
    tests: CONTRACT,
    why: 'a slow request that finishes after the sign-out brings the session back',
  },
  {
    name: 'save-upserts-postgres',
    ...SAVE_UPSERTS_POSTGRES,
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a slow request that finishes after the sign-out brings the session back',
  },
  {
    name: 'create-overwrites-memory',
    file: 'src/stores/memory.ts',
    edits: [{ find: '    if (this.#records.has(record.id)) return false\n', replace: '' }],
    tests: CONTRACT,
    why: 'two sessions of one id become one person’s',
  },
  {
    name: 'create-overwrites-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: 'on conflict (id) do nothing\n',
        replace: 'on conflict (id) do update set values = excluded.values\n',
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'two sessions of one id become one person’s',
  },
  {
    name: 'touch-upserts-memory',
    file: 'src/stores/memory.ts',
    edits: [
      {
        find: '    const record = this.#use(id, now)\n    if (record === undefined || record.secretHash !== to.secretHash) return false\n',
        replace:
          '    const record = this.#records.get(id)\n    if (record === undefined || record.secretHash !== to.secretHash) return false\n',
      },
    ],
    tests: CONTRACT,
    why: 'a touch revives a session whose time was over',
  },
  {
    name: 'touch-revives-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `l.secret_hash = \${hash('c.secret_hash')} and l.expires_at > \${at('c.now')} as is_live`,
        replace: `l.secret_hash = \${hash('c.secret_hash')} and c.now > 0 as is_live`,
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a touch revives a session whose time was over',
  },
  {
    name: 'touch-alone-revives-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `and t.secret_hash = \${hash('$2')} and t.expires_at > \${at('$3')}\nreturning t.id`,
        replace: `and t.secret_hash = \${hash('$2')} and $3::float8 > 0\nreturning t.id`,
      },
    ],
    tests: POSTGRES_LOCKS,
    needsPostgres: true,
    why: 'a touch that had to wait for a lock revives a session whose time was over',
  },
  {
    name: 'merge-writes-whole-values',
    file: 'src/internal/commit.ts',
    edits: [
      {
        find: 'secretHash: record.secretHash, maxValuesBytes, ...changes }',
        replace: `secretHash: record.secretHash, maxValuesBytes, clear: true, delete: changes.delete,
      set: new Map(this.#draft.values.keys().map((key) => [key, this.#draft.values.textOf(key) ?? ''])) }`,
      },
    ],
    tests: ['test/unit/core/values.test.ts'],
    why: 'of parallel requests that set different keys, one wins and the others are lost',
  },
  {
    name: 'merge-writes-whole-values-memory',
    file: 'src/stores/memory.ts',
    edits: [
      {
        find: 'const after = new Map(change.clear ? [] : members)',
        replace: 'const after = new Map(change.clear || change.set ? [] : members)',
      },
    ],
    tests: CONTRACT,
    why: 'what parallel requests set is lost',
  },
  {
    name: 'merge-writes-whole-values-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `(case when \${isCleared} then '{}'::jsonb`,
        replace: `(case when \${isCleared} or \${set}::jsonb <> '{}' then '{}'::jsonb`,
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'what parallel requests set is lost',
  },
  {
    name: 'two-changes-of-one-record-in-a-batch',
    file: 'src/internal/batch.ts',
    edits: [
      {
        find: `      if (taken.size === this.#options.maxSize || taken.has(entry.key)) left.push(entry)
      else taken.set(entry.key, entry)
    }
    for (const [key, entry] of taken) if (this.#lastOfKey.get(key) === entry) this.#lastOfKey.delete(key)
`,
        replace: `      if (taken.size === this.#options.maxSize) left.push(entry)
      else taken.set(\`\${entry.key} \${taken.size}\`, entry)
    }
    for (const entry of taken.values()) {
      if (this.#lastOfKey.get(entry.key) === entry) this.#lastOfKey.delete(entry.key)
    }
`,
      },
    ],
    tests: POSTGRES_BATCHES,
    needsPostgres: true,
    why: 'an update joined to two changes takes one of them, and loses the other silently',
  },
  {
    name: 'batch-waits-for-locks',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `  select t.id, t.secret_hash, t.expires_at, t.values
  from \${table} t where t.id = any(\${ONE_ARRAY})
  for no key update skip locked
`,
        replace: `  select t.id, t.secret_hash, t.expires_at, t.values
  from unnest($1::text::text[]) with ordinality as asked (id, place) join \${table} t on t.id = asked.id
  order by asked.place
  for no key update of t
`,
      },
    ],
    tests: POSTGRES_BATCHES,
    needsPostgres: true,
    why: 'two batches wait for each other in a circle, and one locked record holds up all',
  },
  {
    name: 'touches-wait-for-locks',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `  select t.id, t.secret_hash, t.expires_at
  from \${table} t where t.id = any(\${ONE_ARRAY})
  for no key update skip locked
`,
        replace: `  select t.id, t.secret_hash, t.expires_at
  from unnest($1::text::text[]) with ordinality as asked (id, place) join \${table} t on t.id = asked.id
  order by asked.place
  for no key update of t
`,
      },
    ],
    tests: POSTGRES_LOCKS,
    needsPostgres: true,
    why: 'two batches wait for each other in a circle, and one locked record holds up all',
  },
  {
    name: 'skipped-row-counts-as-gone',
    file: 'src/internal/postgres-writes.ts',
    edits: [
      {
        find: "if (row === undefined || (entry.parts.length > 1 && row.outcome !== 'saved')) askAlone([entry], alone)\n",
        replace: "if (row === undefined) settle(entry, () => ({ outcome: 'gone' as const }))\n",
      },
    ],
    tests: POSTGRES_BATCHES,
    needsPostgres: true,
    why: 'a change whose record was locked for a moment is answered 409',
  },
  {
    name: 'update-without-expect',
    file: 'src/internal/atomic-update.ts',
    edits: [{ find: '    expect: { key, value: before },\n', replace: '' }],
    tests: ['test/unit/manager/update.test.ts'],
    why: 'parallel updates of a counter or a one-time token are lost',
  },
  {
    name: 'expect-ignored-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: 'when $10::text is not null and (c.old_values -> $10::text) is distinct from $11::text::jsonb then',
        replace: 'when $10::text is not null and $11::text::jsonb is null and false then',
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'parallel updates of a counter or a one-time token are lost',
  },
  {
    name: 'values-follow-to-another-user',
    file: 'src/internal/draft.ts',
    edits: [{ find: '    this.#values = new StagedValues(undefined)\n', replace: '' }],
    tests: ['test/unit/manager/sign-in.test.ts'],
    why: 'one user reads what another left',
  },
  {
    name: 'record-follows-to-another-user',
    file: 'src/internal/draft.ts',
    edits: [
      {
        find: "if (before !== '' && before !== userId) this.#beginAnew()",
        replace: "if (before !== '' && userId === undefined) this.#beginAnew()",
      },
    ],
    tests: ['test/unit/manager/sign-in.test.ts'],
    why: 'one user reads what another left',
  },
  {
    name: 'set-without-a-copy',
    file: 'src/internal/staged-values.ts',
    edits: [
      {
        find: `    this.#handedOut.delete(key)
    this.#staged.set(key, { text, value: readJson(text) })
`,
        replace: `    this.#handedOut.delete(key)
    this.#staged.set(key, { text, value })
`,
      },
    ],
    tests: ['test/unit/core/values.test.ts'],
    why: 'what a caller does to its own object afterwards is stored, or read by others',
  },
  {
    name: 'proto-as-key',
    file: 'src/internal/json.ts',
    edits: [
      {
        find: `  if (key === '__proto__') throw new ValueError('a key of the session\\'s values cannot be "__proto__"')\n`,
        replace: '',
      },
    ],
    tests: ['test/unit/core/values.test.ts', 'test/unit/core/json.test.ts', 'test/unit/core/session.test.ts'],
    why: 'whoever copies the values by assignment gets another prototype',
  },
  {
    name: 'proto-inside-a-value',
    file: 'src/internal/json.ts',
    edits: [
      { find: `    if (key === '__proto__') throw refusal(path, 'has the key "__proto__"')\n`, replace: '' },
    ],
    tests: ['test/unit/core/json.test.ts', 'test/property/values.test.ts'],
    why: 'whoever copies a value by assignment gets another prototype',
  },
]
