import { describe, it } from 'vitest'
import { httpCases } from '../http/cases.ts'
import { honoHarness } from '../http/hono-harness.ts'

describe('coatcheck/adapters/hono', () => {
  for (const { name, run } of httpCases) it(name, () => run(honoHarness))
})
