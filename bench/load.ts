import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Work } from './subjects.ts'

/** What `wrk` tells of one run. */
export interface Load {
  readonly requests: number
  readonly seconds: number
  readonly medianMs: number
}

/** Sends requests as fast as they are answered, each with the next of these cookies. @throws if one fails. */
export async function load(
  base: string,
  work: Work,
  cookies: readonly string[],
  duration: number,
): Promise<Load> {
  const script = new URL('rotate.lua', import.meta.url).pathname
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-bench-'))
  const file = join(folder, 'cookies')
  writeFileSync(file, `${cookies.join('\n')}\n`, { mode: 0o600 })
  const args = [
    '-t1',
    `-c${work.connections}`,
    `-d${duration}s`,
    '--latency',
    '-s',
    script,
    `${base}${work.path}`,
  ]
  const { stdout } = await promisify(execFile)('wrk', args, { env: { ...process.env, COOKIES: file } })
    .catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT'
        ? new Error('no wrk here: sudo apt-get install --yes wrk', { cause })
        : cause
    })
    .finally(() => rmSync(folder, { recursive: true }))
  const failures = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1]
  if (failures !== undefined) throw new Error(`${failures} requests failed`)
  const [, requests, elapsed] = /(\d+) requests in ([\d.]+)s/.exec(stdout) ?? []
  const [, latency, unit] = /50%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? []
  const scale = { us: 0.001, ms: 1, s: 1000 }[unit as 'us' | 'ms' | 's'] // the units in the expression
  return { requests: Number(requests), seconds: Number(elapsed), medianMs: Number(latency) * scale }
}
