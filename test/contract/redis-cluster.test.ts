import { describe } from 'vitest'
import { describeRedisStore } from './redis-contract.ts'

describe('Redis on a Cluster', () => describeRedisStore('cluster', 'redis'))
