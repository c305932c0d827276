import { describe } from 'vitest'
import { describeRedisStore } from './redis-contract.ts'

describe('Valkey on one server', () => describeRedisStore('single', 'valkey'))
