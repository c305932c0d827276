/** What Redis 6.2 puts before the error of a command that a script ran. */
const IN_A_SCRIPT = /^ERR Error running script .*?-(?=[A-Z]+ )/

/** The first word of what the server answered, which names the error; empty: the error is not the server's. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return /^[A-Z]+(?= )/.exec(error.message.replace(IN_A_SCRIPT, ''))?.[0] ?? ''
}

/** Whether the server has not seen this script, or has forgotten it. Nothing was run. */
export function isUnknownScript(error: unknown): boolean {
  return codeOf(error) === 'NOSCRIPT'
}

/** Whether the key holds something that is no record: it is another library's. */
export function isWrongType(error: unknown): boolean {
  return codeOf(error) === 'WRONGTYPE'
}

const NOT_RUN: ReadonlySet<string> = new Set([
  'LOADING', // it reads its data from disk
  'READONLY', // it is a replica by now
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN', // the slot is on its way to another server
  'MOVED', // from a client that does not follow it, or followed it too often
  'ASK',
  'BUSY', // a script of somebody's keeps the server
  'NOREPLICAS',
])

/** Whether the server ran nothing for a reason that may pass soon. */
export function wasNotRun(error: unknown): boolean {
  return NOT_RUN.has(codeOf(error))
}

/** Whether the server answered at all. If not, nobody knows whether the command took effect. */
export function isAnswer(error: unknown): boolean {
  return codeOf(error) !== ''
}
