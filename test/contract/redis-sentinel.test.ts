import { describe } from 'vitest'
import { describeRedisStore } from './redis-contract.ts'

describe('Redis under Sentinel', () => describeRedisStore('sentinel', 'redis'))
