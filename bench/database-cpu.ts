import { readdirSync, readFileSync } from 'node:fs'

const CLOCK_TICKS = 100

/** CPU of the PostgreSQL server on this port and of all its processes, in µs, by Linux's /proc. */
export function databaseCpu(port: string): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess)
  // The shell that started it has the port among its arguments as well.
  const main = processes.find(
    (it) => it?.program.endsWith('/postgres') && it.options.includes(`port=${port}`),
  )
  const all = processes.filter(
    (it) => it !== undefined && main !== undefined && (it.id === main.id || it.parent === main.id),
  )
  // Those that have ended since count as well: the main process has waited for them.
  const ticks = all.reduce((sum, it) => sum + (it?.ticks ?? 0), main?.reapedTicks ?? 0)
  return ticks * (1_000_000 / CLOCK_TICKS)
}

function readProcess(id: string) {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = (at: number) => Number(fields[at]) + Number(fields[at + 1]) // user, then system
    const [program = '', ...options] = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0')
    return { id, parent: fields[1], program, options, ticks: ticks(11), reapedTicks: ticks(13) }
  } catch {
    return undefined // it has ended
  }
}
