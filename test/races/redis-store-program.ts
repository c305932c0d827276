import type { Store } from 'coatcheck'
import { RedisStore } from 'coatcheck/stores/redis'
import { libraries } from '../servers/redis-clients.ts'
import { serve } from './peer.ts'

// A process of its own that serves one store over a Redis Cluster: its arguments are the name of the client library,
// the prefix of the keys, and the ports of some nodes.
const [, , name, prefix, ...ports] = process.argv
const library = libraries.find((it) => it.name === name)
if (library === undefined) throw new Error(`no library is named ${name}`)
const { client } = await library.connect('cluster', ports.map(Number))
const store = new RedisStore({ client, prefix, timeout: 30 })

serve({
  migrate: async () => {},
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
