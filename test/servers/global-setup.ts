import type {} from 'vitest' // so that its interface below is merged with ours, not declared anew
import type { TestProject } from 'vitest/node'
import { type PostgresServer, startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection strings of the superuser, by version: the oldest and the newest. */
    readonly postgres: Readonly<Record<14 | 18, string>>
  }
}

/** The servers of this run. Each project loads this module anew, so they stand where all find them. */
interface Run {
  coatcheckServers?: { readonly started: Promise<readonly [PostgresServer, PostgresServer]>; users: number }
}

const run = globalThis as Run // which names what only we put there

/** Starts the servers once for all projects; each test file makes a database of its own there. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  run.coatcheckServers ??= { started: startServers(), users: 0 }
  const servers = run.coatcheckServers
  servers.users += 1
  const [old, current] = await servers.started
  project.provide('postgres', { 14: old.url, 18: current.url })
  return async () => {
    servers.users -= 1
    if (servers.users > 0) return
    delete run.coatcheckServers
    await Promise.all([old.stop(), current.stop()])
  }
}

async function startServers(): Promise<readonly [PostgresServer, PostgresServer]> {
  const results = await Promise.allSettled([startPostgres(14), startPostgres(18)])
  const [old, current] = results.map((it) => (it.status === 'fulfilled' ? it.value : undefined))
  if (old !== undefined && current !== undefined) return [old, current]
  await Promise.all([old, current].map((it) => it?.stop()))
  throw results.find((it) => it.status === 'rejected')?.reason
}
