import { describe, it } from 'vitest'
import { httpCases } from '../http/cases.ts'
import { express4Harness, express5Harness } from '../http/express-harness.ts'

describe('coatcheck/adapters/express under Express 5', () => {
  for (const { name, run } of httpCases) it(name, () => run(express5Harness))
})

describe('coatcheck/adapters/express under Express 4', () => {
  for (const { name, run } of httpCases) it(name, () => run(express4Harness))
})
