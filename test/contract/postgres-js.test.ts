import { compileFunction } from 'node:vm'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { storeContract } from 'coatcheck/testing'
import postgres from 'postgres'
import ts from 'typescript'
import { describe, inject } from 'vitest'
import { readBlocks } from '../docs/blocks.ts'
import { startPgBouncer } from '../servers/pgbouncer.ts'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { casesWithoutRaces } from './cases-without-races.ts'
import { type Connections, holdsCases, holdsContract } from './postgres-contract.ts'

type CreateStore = (sql: postgres.Sql) => PostgresStore

/** The function that the guide tells people to write, as it stands there. */
function readGuide(): CreateStore {
  const block = readBlocks('docs/guides/postgresql.md').find(({ text }) => text.includes('postgres.js'))
  if (block === undefined) throw new Error('docs/guides/postgresql.md has no code for postgres.js')
  const { outputText } = ts.transpileModule(block.text, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const exports: { createStore?: CreateStore } = {}
  const require = (name: string) => {
    if (name === 'coatcheck/stores/postgres') return { PostgresStore }
    throw new Error(`the guide's code needs ${name}`)
  }
  compileFunction(outputText, ['exports', 'require'])(exports, require)
  if (exports.createStore === undefined) throw new Error('the guide has no createStore')
  return exports.createStore
}

const createStore = readGuide()

async function openPostgresJs(directUrl: string, url: string = directUrl): Promise<Connections> {
  const quiet = { onnotice: () => {} }
  const [a, b] = [postgres(url, quiet), postgres(url, quiet)]
  return {
    a: () => createStore(a),
    b: () => createStore(b),
    directUrl,
    close: async () => void (await Promise.all([a.end(), b.end()])),
  }
}

describe('PostgresStore over postgres.js, by the lines of the guide', () => {
  holdsContract(async () => openPostgresJs(await createDatabase(inject('postgres')[18])), casesWithoutRaces)
})

// Its races wait for what the tests of PgBouncer over pg show already.
const isLong = scale > 1
const modes = isLong ? (['transaction', 'statement'] as const) : (['transaction'] as const)
const cases = isLong ? storeContract : casesWithoutRaces

describe.each(modes)('PostgresStore over postgres.js through PgBouncer in %s mode', (mode) => {
  holdsCases(async () => {
    const directUrl = await createDatabase(inject('postgres')[18])
    const pgBouncer = await startPgBouncer(directUrl, { mode })
    const connections = await openPostgresJs(directUrl, pgBouncer.url)
    return {
      ...connections,
      async close() {
        await connections.close()
        await pgBouncer.stop()
      },
    }
  }, cases)
})
