/** What all servers to measure share in one run. */
export interface Database {
  /** Its name and its version. */
  readonly title: string
  readonly url: string
  /** Copies the sessions that the servers have made, under other ids, until there are {@link CROWD} of each kind. */
  fill(): Promise<void>
  /** CPU that it has used, in µs. */
  cpu(): Promise<number>
  /** What it has written to its log, in bytes. */
  logBytes(): Promise<number>
  stop(): Promise<void>
}

/** Sessions of each kind: of a small table PostgreSQL reads the whole, in place of its index. */
export const CROWD = 100_000
