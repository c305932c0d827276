import type { Store } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { serve } from './peer.ts'

// A process of its own that serves one store: the database's connection string is its argument.
const [, , connectionString] = process.argv
const store = new PostgresStore({ db: new pg.Pool({ connectionString }) })

serve({
  migrate: () => store.migrate(),
  create: (...args: Parameters<Store['create']>) => store.create(...args),
  get: (...args: Parameters<Store['get']>) => store.get(...args),
  save: (...args: Parameters<Store['save']>) => store.save(...args),
  touch: (...args: Parameters<Store['touch']>) => store.touch(...args),
  delete: (...args: Parameters<Store['delete']>) => store.delete(...args),
  listByUser: (...args: Parameters<Store['listByUser']>) => store.listByUser(...args),
  deleteByUser: (...args: Parameters<Store['deleteByUser']>) => store.deleteByUser(...args),
  cleanup: (...args: Parameters<Store['cleanup']>) => store.cleanup(...args),
  serverTime: () => store.serverTime(),
})
