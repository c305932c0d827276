import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { aChange, aRecord, NOW } from 'coatcheck/testing'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { scale } from '../servers/scale.ts'
import { print } from './counts.ts'
import { useProxiedPostgres } from './proxied-postgres.ts'

const FLOOD = 60_000 * scale
/** Reads, and as many writes, that come in one turn of the event loop. */
const SLICE = 100

describe('a flood of requests while the database is away', () => {
  const database = useProxiedPostgres()

  async function aStore() {
    const pool = new pg.Pool({ connectionString: database().url })
    onTestFinished(() => pool.end())
    const store = new PostgresStore({ db: pool })
    await store.migrate()
    return { pool, store }
  }

  it('lets so many wait and refuses the others at once; when it is back, it answers', async () => {
    const { network } = database()
    const { pool, store } = await aStore()
    const record = aRecord()
    await store.create(record, NOW)
    const change = aChange({ set: { text: JSON.stringify('x'.repeat(1000)) } })
    let waiting = 0
    let failed = 0
    const early = new Set<string>()
    const ask = async (work: () => Promise<unknown>) => {
      waiting += 1
      await work().catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error
        failed += 1
        if (String(error.cause).includes('others wait already')) early.add(error.operation)
      })
      waiting -= 1
    }
    const all: Promise<void>[] = []
    const askMany = async () => {
      for (let count = 0; count < SLICE; count++) {
        all.push(
          ask(() => store.get(aRecord().id, NOW)),
          ask(() => store.save(aRecord().id, change, NOW)),
        )
      }
      await new Promise(setImmediate)
    }
    network.goSilent()
    while (early.size < 2) await askMany()
    const atFirst = waiting
    let most = 0
    for (let count = 0; count < FLOOD; count += 2 * SLICE) {
      await askMany()
      most = Math.max(most, waiting)
    }
    const longestQueue = pool.waitingCount
    await Promise.all(all)
    network.comeBack()
    let later = 0
    while ((await store.get(record.id, NOW).catch(() => undefined)) === undefined) {
      later += 1
      await sleep(20)
    }
    print('flood of a store whose database is silent', [
      `${all.length.toLocaleString('en')} requests`,
      `${failed.toLocaleString('en')} refused`,
      `${atFirst.toLocaleString('en')} waiting when it was taken for silent`,
      `${most.toLocaleString('en')} at most from then on`,
      `${longestQueue} waiting in the pool`,
      `${later} refused after it was back`,
    ])
    expect(failed).toBe(all.length)
    expect(most).toBeLessThanOrEqual(atFirst + 2 * SLICE)
    expect(longestQueue).toBeLessThanOrEqual(20)
  })

  it('refuses nothing while the database answers, however many ask', async () => {
    const { store } = await aStore()
    const found = await Promise.all(
      Array.from({ length: 20_000 }, () => store.get(aRecord().id, NOW).then(() => 'answered')),
    )
    expect(new Set(found)).toEqual(new Set(['answered']))
  })
})
