/** Finds the programs that tests run beside Node, or installs Debian's where that is possible. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** A program that the tests start by themselves. */
export interface DebianProgram {
  /** Debian's package. */
  readonly packageName: string
  /** An environment variable that names another one to use. */
  readonly variable: string
  /** Where it may be, the likeliest first. */
  readonly places: readonly string[]
}

const chromium: DebianProgram = {
  packageName: 'chromium',
  variable: 'CHROMIUM',
  places: [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ],
}

const pgbouncer: DebianProgram = {
  packageName: 'pgbouncer',
  variable: 'PGBOUNCER',
  places: ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'],
}

/** Every program that the tests need, by name. */
export const programs = { chromium, pgbouncer } as const satisfies Readonly<Record<string, DebianProgram>>

/** @returns its path. @throws it is not there; the message has the command that installs it. */
export function findProgram(program: DebianProgram): string {
  const path = pathOf(program)
  if (path === undefined) throw new Error(whyMissing(program))
  return path
}

/** Installs what is missing of `wanted`, as root on Debian. @returns whether all is there. Says what to do if not. */
export function ensurePrograms(wanted: readonly DebianProgram[] = Object.values(programs)): boolean {
  const missing = wanted.filter((program) => pathOf(program) === undefined)
  const installable = missing.filter(({ variable }) => named(variable) === undefined)
  if (installable.length > 0 && isRootOnDebian()) install(installable)
  const left = missing.filter((program) => pathOf(program) === undefined)
  for (const program of left) console.error(whyMissing(program))
  return left.length === 0
}

function pathOf({ variable, places }: DebianProgram): string | undefined {
  const path = named(variable)
  return (path === undefined ? places : [path]).find((place) => existsSync(place))
}

function named(variable: string): string | undefined {
  const path = process.env[variable]
  return path === '' ? undefined : path
}

function whyMissing({ packageName, variable }: DebianProgram): string {
  const path = named(variable)
  if (path !== undefined) return `${variable} names ${path}, which does not exist`
  const command = installCommand([packageName])
  return `no ${packageName} here; install it, or name one in ${variable}. On Debian: sudo sh -c '${command}'`
}

function installCommand(packageNames: readonly string[]): string {
  return `apt-get update && apt-get install --yes --no-install-recommends ${packageNames.join(' ')}`
}

// Debian starts a server as a service as soon as it is installed, unless this file forbids it.
const POLICY = '/usr/sbin/policy-rc.d'
const WITHOUT_SERVICES = `
if [ ! -e ${POLICY} ]; then
  trap 'rm -f ${POLICY}' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > ${POLICY} && chmod 755 ${POLICY}
fi
`

function install(wanted: readonly DebianProgram[]): void {
  const command = installCommand(wanted.map(({ packageName }) => packageName))
  console.log(command)
  spawnSync('sh', ['-c', `${WITHOUT_SERVICES}${command}`], {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** Not on Ubuntu, whose chromium is no browser but a snap. */
function isRootOnDebian(): boolean {
  return (
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    !readFileSync('/etc/os-release', 'utf8').includes('ID=ubuntu')
  )
}
