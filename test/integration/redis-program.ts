import { startRedis } from '../servers/redis.ts'

// Run by redis-servers.test.ts, as a process of its own that is killed: starts a server, says its port, and waits.
const { node } = await startRedis()
console.log(node.port)
setInterval(() => {}, 60_000)
