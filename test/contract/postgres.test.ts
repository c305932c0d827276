import { afterAll, beforeAll, describe, inject } from 'vitest'
import { createDatabase, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { casesWithoutRaces } from './cases-without-races.ts'
import { holdsContract, toPools } from './postgres-contract.ts'

describe.each([14, 18] as const)('PostgresStore on PostgreSQL %i', (major) => {
  holdsContract(async () => toPools(await createDatabase(inject('postgres')[major])))
})

describe.each([15, 16, 17] as const)('PostgresStore on PostgreSQL %i', (major) => {
  let server: PostgresServer

  beforeAll(async () => {
    server = await startPostgres(major)
  })

  afterAll(async () => {
    await server.stop()
  })

  holdsContract(async () => toPools(server.url), casesWithoutRaces)
})
