import type {} from 'vitest' // so that its interface below is merged with ours, not declared anew
import type { TestProject } from 'vitest/node'
import { type PostgresServer, startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection strings of the superuser, by version: the oldest and the newest. */
    readonly postgres: Readonly<Record<14 | 18, string>>
  }
}

/** Starts the servers once for all test files of a project; each file makes a database of its own there. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const results = await Promise.allSettled([startPostgres(14), startPostgres(18)])
  const [old, current] = results.map((it) => (it.status === 'fulfilled' ? it.value : undefined))
  if (old === undefined || current === undefined) {
    await Promise.all([old, current].map((it) => it?.stop()))
    throw results.find((it) => it.status === 'rejected')?.reason
  }
  project.provide('postgres', { 14: old.url, 18: current.url })
  return async () => void (await Promise.all([old, current].map((it: PostgresServer) => it.stop())))
}
