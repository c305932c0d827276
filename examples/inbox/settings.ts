/** How the application was asked to run. */
export interface Settings {
  /** Port to listen on; 0 takes any free one. */
  readonly port: number
  /** Address to listen on. */
  readonly host: string
  /** Folder for the keys and, without a database, the sessions. */
  readonly dataFolder: string
  /** The origin that people see, where a proxy in front speaks TLS. */
  readonly publicOrigin: string | undefined
  /** Where the sessions are kept: in PostgreSQL or in Redis. Without either, in the data folder. */
  readonly databaseUrl: string | undefined
  readonly redisUrl: string | undefined
}

/**
 * Reads the settings from the environment.
 *
 * @throws {@link Error} a setting cannot work; the message names the variable.
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  if (environment.DATABASE_URL && environment.REDIS_URL)
    throw new Error('DATABASE_URL and REDIS_URL are both set: the sessions are kept in one of them')
  return {
    port: readPort(environment.PORT || '3000'),
    // Plain http is for this machine alone: the cookie travels in clear.
    host: environment.HOST || '127.0.0.1',
    dataFolder: environment.INBOX_DATA || 'data',
    publicOrigin: readOrigin(environment.INBOX_ORIGIN || undefined),
    databaseUrl: environment.DATABASE_URL || undefined,
    redisUrl: environment.REDIS_URL || undefined,
  }
}

function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new Error('PORT must be a number from 0 to 65535')
  return Number(text)
}

function readOrigin(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const isOrigin = URL.canParse(text) && new URL(text).origin === text && text.startsWith('https://')
  if (!isOrigin)
    throw new Error('INBOX_ORIGIN must be like https://inbox.example, with nothing after the host')
  return text
}
