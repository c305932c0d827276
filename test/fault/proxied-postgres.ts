import { afterAll, beforeAll } from 'vitest'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'

/** A database, and a stretch of network before it that can fail. */
export interface ProxiedPostgres {
  /** Leads to it through the network. */
  readonly url: string
  /** Leads past the network. */
  readonly directUrl: string
  readonly network: TcpProxy
}

/** Gives the tests of a file a PostgreSQL behind a proxy. @returns what gives it to a test. */
export function useProxiedPostgres(): () => ProxiedPostgres {
  let server: PostgresServer
  let network: TcpProxy

  beforeAll(async () => {
    server = await startPostgres(18)
    network = await startTcpProxy(server.url)
  })

  afterAll(async () => {
    await network.close()
    await server.stop()
  })

  return () => ({ url: network.urlOf(server.url), directUrl: server.url, network })
}
