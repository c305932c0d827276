/** One thing that has to hold in the runtime at hand. */
export interface Case {
  readonly name: string
  run(): Promise<void>
}

/** Cases that are reported together. */
export interface Suite {
  readonly name: string
  readonly cases: readonly Case[]
}

/** What became of a suite, as it leaves the runtime. */
export interface Report {
  readonly suite: string
  /** How many cases held. */
  readonly passed: number
  readonly failed: readonly { readonly name: string; readonly error: string }[]
}

/** Runs the cases one after the other. Never rejects. */
export async function runSuite({ name, cases }: Suite): Promise<Report> {
  const failed: { name: string; error: string }[] = []
  for (const { name, run } of cases) {
    try {
      await run()
    } catch (error) {
      failed.push({ name, error: String(error instanceof Error ? (error.stack ?? error.message) : error) })
    }
  }
  return { suite: name, passed: cases.length - failed.length, failed }
}
