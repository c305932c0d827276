import type { Fault, Mutant } from './mutant.ts'

const CONTRACT = ['test/contract/memory.test.ts']
const POSTGRES_CONTRACT = ['test/contract/postgres.test.ts']
const FORGERY = ['test/unit/cookies/native-forgery.test.ts']
const SIGN_IN = ['test/unit/manager/sign-in.test.ts']
const CONSTANT_TIME = ['test/unit/manager/constant-time.test.ts']

export const RENEWAL_BY_DELETE_AND_INSERT: Fault = {
  file: 'src/internal/postgres-writes.ts',
  edits: [
    {
      find: '    return this.#singles.after(id, async () => {\n      const rows = await this.#runner.run(statements.save,',
      replace: `    return this.#singles.after(id, async () => {
      if (change.renewal !== undefined && change.expect === undefined) {
        const [row] = await this.#runner.run(statements.get, [id], { deadline, gate, repeat })
        const before = row === undefined ? undefined : toRecord(row)
        if (before === undefined || now >= before.expiresAt) return { outcome: 'gone' as const }
        if (before.secretHash !== change.secretHash) return { outcome: 'superseded' as const }
        const members = new Map(Object.entries(change.clear ? {} : JSON.parse(before.values)))
        for (const key of change.delete ?? []) members.delete(key)
        for (const [key, value] of change.set ?? []) members.set(key, JSON.parse(value))
        const values = JSON.stringify(Object.fromEntries(members))
        if (values.length > change.maxValuesBytes) return { outcome: 'too-large' as const }
        const { lastSeenAt, expiresAt } = change
        const { secretHash, renewedAt, signIn } = change.renewal
        const times = { lastSeenAt, expiresAt, renewedAt, version: before.version + 1 }
        const record = { ...before, ...signIn, ...times, values, secretHash }
        await this.#runner.run(statements.delete, [id, null], { deadline, gate, repeat })
        await this.create(record)
        return { outcome: 'saved' as const, record }
      }
      const rows = await this.#runner.run(statements.save,`,
    },
  ],
}

/** Faults of tokens, secrets and what they open. */
export const mutantsOfSecrets: readonly Mutant[] = [
  {
    name: 'old-secret-opens',
    file: 'src/internal/authenticate.ts',
    edits: [
      {
        find: "if (isSameHash(sha256Hex(secret), record.secretHash)) return { kind: 'record', record }",
        replace: "return { kind: 'record', record }",
      },
    ],
    tests: SIGN_IN,
    why: 'a token from before the sign-in goes on working: session fixation',
  },
  {
    name: 'old-secret-writes-memory',
    file: 'src/stores/memory.ts',
    edits: [
      {
        find: "    if (record.secretHash !== change.secretHash) return { outcome: 'superseded' }\n",
        replace: '',
      },
    ],
    tests: CONTRACT,
    why: 'a slow request that holds the old secret still writes',
  },
  {
    name: 'old-secret-writes-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `      when c.secret_hash <> \${hash('$2')} then 'superseded'\n`,
        replace: `      when length(\${hash('$2')}) = 0 then 'superseded'\n`,
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a slow request that holds the old secret still renews',
  },
  {
    name: 'old-secret-merges-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `      when c.held_secret_hash <> \${hash('c.secret_hash')} then 'superseded'\n`,
        replace: '',
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a slow request that holds the old secret still writes',
  },
  {
    name: 'renewal-keeps-secret-memory',
    file: 'src/stores/memory.ts',
    edits: [{ find: 'secretHash: renewal.secretHash,', replace: 'secretHash: record.secretHash,' }],
    tests: CONTRACT,
    why: 'the old secret lives and the new one opens nothing',
  },
  {
    name: 'renewal-keeps-secret-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: `secret_hash = coalesce(\${hash('$12')}, t.secret_hash)`,
        replace: 'secret_hash = t.secret_hash',
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'the old secret lives and the new one opens nothing',
  },
  {
    name: 'sign-in-without-new-secret',
    file: 'src/internal/commit.ts',
    edits: [
      {
        find: 'renewal: { secretHash: sha256Hex(secret),',
        replace: 'renewal: { secretHash: this.#draft.isSignIn ? record.secretHash : sha256Hex(secret),',
      },
      {
        find: 'return secret === undefined ? undefined : this.#cookieOf(result.record, secret)',
        replace:
          'return secret === undefined || this.#draft.isSignIn ? undefined : this.#cookieOf(result.record, secret)',
      },
    ],
    tests: SIGN_IN,
    why: 'whoever planted the cookie before is signed in as well: session fixation',
  },
  {
    name: 'secret-not-random',
    file: 'src/internal/commit.ts',
    edits: [
      {
        find: '    const secret = randomBytes(SECRET_BYTES)\n',
        replace: '    const secret = new Uint8Array(SECRET_BYTES).fill(this.#now % 256)\n',
      },
    ],
    tests: ['test/unit/manager/credentials.test.ts'],
    why: 'secrets can be guessed',
  },
  {
    name: 'renewal-by-delete-and-insert',
    ...RENEWAL_BY_DELETE_AND_INSERT,
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'a crash between the two loses the session, and a revocation between them is undone',
  },
  {
    name: 'mac-skips-cookie-name',
    file: 'src/cookies/native.ts',
    edits: [
      {
        find: 'Buffer.concat([lengthPrefixed(PURPOSE), lengthPrefixed(cookieName)])',
        replace: 'Buffer.concat([lengthPrefixed(PURPOSE), lengthPrefixed(cookieName.slice(0, 0))])',
      },
    ],
    tests: FORGERY,
    why: 'a token of one cookie is good for another of the same keys',
  },
  {
    name: 'mac-not-checked',
    file: 'src/cookies/native.ts',
    edits: [
      {
        find: "return crypto.timingSafeEqual(rightMac, mac) ? body : 'bad-signature'",
        replace: "return crypto.timingSafeEqual(rightMac, mac) || body.length > 0 ? body : 'bad-signature'",
      },
    ],
    tests: FORGERY,
    why: 'a forged token reaches the store',
  },
  {
    name: 'mac-compared-early-exit',
    file: 'src/cookies/native.ts',
    edits: [
      {
        find: 'crypto.timingSafeEqual(rightMac, mac)',
        replace: "rightMac.toString('hex') === mac.toString('hex')",
      },
    ],
    tests: CONSTANT_TIME,
    why: 'the time of an answer tells how much of a forged signature is right',
  },
  {
    name: 'secret-compared-early-exit',
    file: 'src/internal/authenticate.ts',
    edits: [
      {
        find: 'return timingSafeEqual(ofRequest, ofRecord)',
        replace: 'return hash === stored',
      },
    ],
    tests: CONSTANT_TIME,
    why: 'the time of an answer tells how much of a hash is right',
  },
  {
    name: 'tag-not-checked',
    file: 'src/cookies/native.ts',
    edits: [{ find: '      decipher.final()\n', replace: '' }],
    tests: FORGERY,
    why: 'a forged token is read wherever tokens are encrypted',
  },
  {
    name: 'last-key-signs',
    file: 'src/cookies/native.ts',
    edits: [{ find: 'const [first] = auth\n', replace: 'const first = auth.at(-1)\n' }],
    tests: ['test/unit/cookies/native.test.ts'],
    why: 'a retired key goes on making tokens, and to drop it signs everybody out',
  },
  {
    name: 'other-spellings-read',
    file: 'src/internal/base64url.ts',
    edits: [
      {
        find: "return into.toString('base64url', 0, length) === text ? length : undefined",
        replace: 'return length > 0 ? length : undefined',
      },
    ],
    tests: FORGERY,
    why: 'one token has many spellings, which no limiter or deny list would match',
  },
  {
    name: 'revoke-without-user',
    file: 'src/manager.ts',
    edits: [{ find: 'store.delete(id, { userId })', replace: 'store.delete(id)' }],
    tests: ['test/unit/manager/lists.test.ts'],
    why: 'any user ends the sessions of any other',
  },
  {
    name: 'delete-ignores-user-memory',
    file: 'src/stores/memory.ts',
    edits: [
      {
        find: "if (only.userId === '' || this.#records.get(id)?.userId !== only.userId) return false",
        replace: "if (only.userId === '') return false",
      },
    ],
    tests: CONTRACT,
    why: 'any user ends the sessions of any other',
  },
  {
    name: 'delete-ignores-user-postgres',
    file: 'src/internal/postgres-statements.ts',
    edits: [
      {
        find: "(t.user_id = $2::text and t.user_id <> '')",
        replace: "$2::text <> ''",
      },
    ],
    tests: POSTGRES_CONTRACT,
    needsPostgres: true,
    why: 'any user ends the sessions of any other',
  },
]
