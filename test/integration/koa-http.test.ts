import { describe, it } from 'vitest'
import { httpCases } from '../http/cases.ts'
import { koaHarness } from '../http/koa-harness.ts'

describe('coatcheck/adapters/koa', () => {
  for (const { name, run } of httpCases) it(name, () => run(koaHarness))
})
