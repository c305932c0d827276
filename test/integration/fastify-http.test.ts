import { describe, it } from 'vitest'
import { httpCases } from '../http/cases.ts'
import { fastifyHarness } from '../http/fastify-harness.ts'

describe('coatcheck/adapters/fastify', () => {
  for (const { name, run } of httpCases) it(name, () => run(fastifyHarness))
})
