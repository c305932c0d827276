/** Finds the browser that the tests in `test/e2e/` drive, or installs Debian's where that is possible. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const INSTALL = 'apt-get update && apt-get install --yes --no-install-recommends chromium'

/** Path of the browser, `CHROMIUM` first. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM
  return named === undefined || named === '' ? PLACES.find((place) => existsSync(place)) : named
}

/** Whether there is a browser by the end of the call. Says what to do where there is none. */
export function ensureChromium(): boolean {
  const found = findChromium()
  if (found !== undefined && existsSync(found)) return true
  if (found !== undefined) return complain(`CHROMIUM names ${found}, which does not exist`)
  if (!isRootOnDebian()) return complain('no chromium here; install it, or name a browser in CHROMIUM')
  console.log(INSTALL)
  spawnSync('sh', ['-c', INSTALL], {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  return findChromium() === undefined ? complain('chromium could not be installed') : true
}

function isRootOnDebian(): boolean {
  return (
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    !readFileSync('/etc/os-release', 'utf8').includes('ID=ubuntu')
  )
}

function complain(what: string): false {
  console.error(`${what}. On Debian: sudo sh -c '${INSTALL}'`)
  return false
}
