/** What happened under load, and whether anything was lost. */
export interface Counts {
  /** Requests that want a session. */
  readonly requests: number
  readonly answered: number
  /** Answered 503. */
  readonly refused: number
  /** Answered with any other status, or not at all. */
  readonly strange: readonly string[]
  /** Requests without a session, all of them answered 200, or they would stand under `strange`. */
  readonly plain: number
  /** What was acknowledged and is not in the table, or is there although its end was acknowledged. */
  readonly lost: readonly string[]
  /** Commits of which only a part is in the table. */
  readonly half: readonly string[]
  /** The longest that a request waited, in milliseconds. */
  readonly slowest: number
  /** The same without what a busy machine added to it. */
  readonly slowestByItself: number
}

const figure = (count: number) => count.toLocaleString('en')

/** Prints the counts of a test in one line. */
export function report(what: string, counts: Counts, more: Readonly<Record<string, number>> = {}): void {
  const parts = [
    `${figure(counts.requests)} requests`,
    `${figure(counts.answered)} answered 200`,
    `${figure(counts.refused)} answered 503`,
    `${figure(counts.plain)} without session answered 200`,
    ...Object.entries(more).map(([name, count]) => `${figure(count)} ${name}`),
    `slowest ${figure(Math.round(counts.slowest))} ms`,
    `${figure(counts.lost.length)} lost`,
    `${figure(counts.half.length)} half`,
  ]
  print(what, parts)
}

/** Prints one line, past the runner, which would put two lines of its own around it. */
export function print(what: string, parts: readonly string[]): void {
  process.stdout.write(`${what}: ${parts.join(', ')}\n`)
}
