import { describe, it } from 'vitest'
import { httpCases } from '../http/cases.ts'
import { nodeHarness } from '../http/node-harness.ts'

describe('coatcheck/adapters/node', () => {
  for (const { name, run } of httpCases) it(name, () => run(nodeHarness))
})
