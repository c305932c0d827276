/** The SQLSTATE of a driver's error, or Node's code of a socket's. */
function codeOf(error: unknown): string {
  return error instanceof Object && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether the server knows a prepared statement's name otherwise than the driver does. Nothing was run. */
export function isBrokenStatementName(error: unknown): boolean {
  const code = codeOf(error)
  return (
    code === '42P05' /* duplicate_prepared_statement */ || code === '26000'
  ) /* invalid_sql_statement_name */
}

const ROLLED_BACK: ReadonlySet<string> = new Set([
  '40001', // serialization_failure, where the database's default isolation is above read committed
  '40P01', // deadlock_detected
  '55P03', // lock_not_available, by lock_timeout
  '57014', // query_canceled, by statement_timeout or an administrator
])

/** Whether the statement was undone for a reason that may have passed: whatever it was, it may be sent again. */
export function wasRolledBack(error: unknown): boolean {
  return ROLLED_BACK.has(codeOf(error))
}

/** Whether one member of a batch may be what failed it: class 22 is data exception, 23 integrity, 54 limits. */
export function mayBeOneMembers(error: unknown): boolean {
  return wasRolledBack(error) || /^(?:22|23|54)/.test(codeOf(error))
}

// pg reports a connection that ended under a statement by text only.
const LOST = /^(?:Connection terminated|Client has encountered a connection error|Client was closed)/

const LOST_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'CONNECTION_CLOSED', // postgres.js
  'CONNECTION_ENDED',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
])

/** Whether the connection broke, so that nobody knows whether the statement took effect. */
export function isLostConnection(error: unknown): boolean {
  const code = codeOf(error)
  return LOST_CODES.has(code) || code.startsWith('08') || (error instanceof Error && LOST.test(error.message))
}
