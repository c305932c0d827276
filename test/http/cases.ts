import { cookieTable } from './cookie-table.ts'
import { failureCases } from './failures.ts'
import type { HttpCase } from './http-case.ts'
import { parallelCases } from './parallel.ts'
import { responseCases } from './responses.ts'

/** What holds under every adapter, on a real server and real sockets. Each case opens servers of its own. */
export const httpCases: readonly HttpCase[] = [
  ...cookieTable,
  ...failureCases,
  ...responseCases,
  ...parallelCases,
]
