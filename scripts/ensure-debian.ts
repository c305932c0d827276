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
  /** Its packages among Debian's backports, for a release that has none of its own. */
  readonly backports?: readonly string[]
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

/** Redis, and its Sentinel. */
const redis: DebianProgram = {
  packageName: 'redis-server',
  variable: 'REDIS_SERVER',
  places: ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/opt/homebrew/bin/redis-server'],
}

const valkey: DebianProgram = {
  packageName: 'valkey-server',
  variable: 'VALKEY_SERVER',
  places: ['/usr/bin/valkey-server', '/usr/local/bin/valkey-server', '/opt/homebrew/bin/valkey-server'],
  backports: ['valkey-server', 'valkey-tools'], // for Debian 12
}

/** Every program that the tests need, by name. */
export const programs = { chromium, pgbouncer, redis, valkey } as const satisfies Readonly<
  Record<string, DebianProgram>
>

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

function whyMissing({ packageName, variable, backports }: DebianProgram): string {
  const path = named(variable)
  if (path !== undefined) return `${variable} names ${path}, which does not exist`
  const command = `${UPDATE} && ${INSTALL} ${packageName}`
  const orBackports = backports === undefined ? '' : ', with its backports where the release has none'
  return `no ${packageName} here; install it, or name one in ${variable}. On Debian${orBackports}: sudo sh -c '${command}'`
}

const UPDATE = 'apt-get update'
const INSTALL = 'apt-get install --yes --no-install-recommends'

function installCommand({ packageName, backports }: DebianProgram): string {
  const own = `${INSTALL} ${packageName}`
  if (backports === undefined) return own
  const names = backports.join(' ')
  return `if apt-cache show ${packageName} > /dev/null 2>&1; then ${own}; else ${toInstallBackports(names)}; fi`
}

/** What the packages need comes from the release. The system's own list of sources stays as it is. */
function toInstallBackports(packageNames: string): string {
  return `(
    folder=$(mktemp -d) && cd $folder && chmod 755 . && mkdir -p lists archives/partial || exit 1
    release=$(. /etc/os-release && echo $VERSION_CODENAME)
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' "Codename: $release" | head -n 1)
    echo "deb $mirror $release-backports main" > sources.list
    mine="-o Dir::Etc::SourceList=$folder/sources.list -o Dir::Etc::SourceParts=- -o Dir::State::Lists=$folder/lists -o Dir::Cache=$folder"
    apt-get $mine update && apt-get $mine download ${packageNames} && ${INSTALL} ./*.deb
    status=$?; rm -rf $folder; exit $status
  )`
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
  // One after the other: where one cannot be had, the others still can.
  const commands = [UPDATE, ...wanted.map(installCommand)].join('\n')
  console.log(commands)
  spawnSync('sh', ['-c', `${WITHOUT_SERVICES}${commands}`], {
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
