import { describe, it } from 'vitest'
import { httpCases } from '../http/cases.ts'
import { fetchHarness } from '../http/fetch-harness.ts'

describe('coatcheck/adapters/fetch', () => {
  for (const { name, run } of httpCases) it(name, () => run(fetchHarness))
})
