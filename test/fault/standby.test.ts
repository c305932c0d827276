import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { report } from './counts.ts'
import { aPool, expectUnharmed, setStage } from './stage.ts'

describe('PostgreSQL killed, and its standby in its place', () => {
  let primary: PostgresServer
  let standby: PostgresServer
  let proxy: TcpProxy

  beforeAll(async () => {
    primary = await startPostgres(18)
    standby = await primary.startStandby()
    proxy = await startTcpProxy(primary.url)
    // A commit is acknowledged once the standby has it: or a failover would lose some, whoever asks.
    const pool = new pg.Pool({ connectionString: primary.url, max: 1 })
    await pool.query("alter system set synchronous_standby_names = '*'")
    await pool.query('select pg_reload_conf()')
    await pool.end()
  })

  afterAll(async () => {
    await proxy.close()
    await Promise.all([primary.stop(), standby.stop()])
  })

  it('answers 503 to writes while it is read-only, and loses nothing once it is promoted', async () => {
    const { load } = await setStage(proxy.urlOf(primary.url))
    await load.answered(300)
    await primary.kill()
    proxy.leadTo(standby.url)
    // Reads are answered, writes are not.
    await Promise.all([load.refused(100), load.answered(50), load.plainAnswered(50)])
    const administrator = aPool(standby.url)
    const { rows } = await administrator.query<{ promoted: boolean }>('select pg_promote() as promoted')
    expect(rows).toEqual([{ promoted: true }])
    await load.answered(300)
    const counts = await load.stop(administrator)
    report('killed, and its standby promoted', counts)
    expectUnharmed(counts)
  })
})
