/** A response as it came over the wire. */
export interface Received {
  readonly status: number
  /** The reason phrase. */
  readonly reason: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The Set-Cookie lines. */
  readonly setCookies: readonly string[]
  readonly body: string
  /** The body as the scripted handler writes it. */
  json(): unknown
}
