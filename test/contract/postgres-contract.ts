import { PostgresStore } from 'coatcheck/stores/postgres'
import { type StoreCase, storeContract, storeRaces } from 'coatcheck/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest'

/** What the contract runs over: two connections, or pools, to one table. */
export interface Connections {
  /** Makes a store over the first. */
  a(): PostgresStore
  /** Makes a store over the second. */
  b(): PostgresStore
  /** Connection string that leads to the server itself, to empty the table. */
  readonly directUrl: string
  close(): Promise<void>
}

/** Two pools to where `url` leads. @param directUrl Where that is a pooler, the way past it. */
export function toPools(url: string, directUrl: string = url): Connections {
  const [a, b] = [new pg.Pool({ connectionString: url }), new pg.Pool({ connectionString: url })]
  return {
    a: () => new PostgresStore({ db: a }),
    b: () => new PostgresStore({ db: b }),
    directUrl,
    close: async () => void (await Promise.all([a.end(), b.end()])),
  }
}

/** Migrates over the first connection, then runs the whole contract, or these cases of it, and the races between the two. */
export function holdsContract(
  open: () => Promise<Connections>,
  cases: readonly StoreCase[] = storeContract,
): void {
  const connections = holdsCases(open, cases)
  describe('over two connections', () => {
    it.each(storeRaces)('$name', async ({ run }) => {
      await run(connections().a(), connections().b())
    })
  })
}

/** Migrates over the first connection, then runs these cases. @returns what gives the connections to further tests. */
export function holdsCases(open: () => Promise<Connections>, cases: readonly StoreCase[]): () => Connections {
  let connections: Connections
  let direct: pg.Client // its end waits for the connection's; a pool's does not, and the server may stop first

  beforeAll(async () => {
    connections = await open()
    direct = new pg.Client({ connectionString: connections.directUrl })
    await direct.connect()
    await connections.a().migrate()
  })

  afterAll(async () => {
    await direct.end()
    await connections.close()
  })

  beforeEach(async () => {
    await direct.query('truncate sessions')
  })

  it.each(cases)('$name', async ({ run }) => {
    await run(connections.a())
  })
  return () => connections
}
