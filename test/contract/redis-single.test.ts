import { describe } from 'vitest'
import { describeRedisStore } from './redis-contract.ts'

describe('Redis on one server', () => describeRedisStore('single', 'redis'))
