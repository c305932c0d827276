import { startRedis } from '../test/servers/redis.ts'
import { CROWD, type Database } from './database.ts'

/** What the keys of each kind of session begin with. */
const PREFIXES = ['bench_coatcheck:{', 'bench_limit:', 'bench_peer:']

/** Copies the keys that have a prefix, until there are so many. */
const FILL = `
  local keys = redis.call('keys', ARGV[1] .. '*')
  for copy = 1, #keys > 0 and math.ceil(ARGV[2] / #keys) - 1 or 0 do
    for _, key in ipairs(keys) do redis.call('copy', key, key .. copy) end
  end
`

/** Starts a Redis that keeps nothing on disk. */
export async function startRedisDatabase(): Promise<Database> {
  const { node, stop } = await startRedis()
  const read = async (section: string, field: string) =>
    new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(String(await node.command('info', section)))?.[1]
  const seconds = async (field: string) => Number(await read('cpu', field))
  return {
    title: `Redis ${await read('server', 'redis_version')}`,
    url: `redis://127.0.0.1:${node.port}`,
    async fill() {
      for (const prefix of PREFIXES) await node.command('eval', FILL, 0, prefix, CROWD)
    },
    cpu: async () => ((await seconds('used_cpu_user')) + (await seconds('used_cpu_sys'))) * 1_000_000,
    logBytes: async () => 0,
    stop,
  }
}
