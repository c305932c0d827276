import type { Store } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import { RedisStore } from 'coatcheck/stores/redis'
import pg from 'pg'
import { libraries } from '../servers/redis-clients.ts'
import { serve } from './peer.ts'

// A process of its own that serves one store. Its arguments are `postgres` and the database's connection string; or
// `cluster`, the name of a client library, the prefix of the keys, and the ports of some nodes.
const [, , kind = '', ...args] = process.argv

const openers: Readonly<Record<string, () => Promise<Store>>> = {
  async postgres() {
    return new PostgresStore({ db: new pg.Pool({ connectionString: args[0] }) })
  },
  async cluster() {
    const [name, prefix, ...ports] = args
    const library = libraries.find((it) => it.name === name)
    if (library === undefined) throw new Error(`no library is named ${name}`)
    const { client } = await library.connect('cluster', ports.map(Number))
    return new RedisStore({ client, prefix, timeout: 30 })
  },
}

const store = await openers[kind]?.()
if (store === undefined) throw new Error(`no store is named ${kind}`)

serve({
  migrate: async () => store instanceof PostgresStore && store.migrate(),
  create: (...args: Parameters<Store['create']>) => store.create(...args),
  get: (...args: Parameters<Store['get']>) => store.get(...args),
  save: (...args: Parameters<Store['save']>) => store.save(...args),
  touch: (...args: Parameters<Store['touch']>) => store.touch(...args),
  delete: (...args: Parameters<Store['delete']>) => store.delete(...args),
  listByUser: (...args: Parameters<Store['listByUser']>) => store.listByUser(...args),
  deleteByUser: (...args: Parameters<Store['deleteByUser']>) => store.deleteByUser(...args),
  cleanup: (...args: Parameters<Store['cleanup']>) => store.cleanup(...args),
  serverTime: async () => store.serverTime?.(),
})
