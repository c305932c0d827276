/**
 * The large sizes of the tests that have any: `npm run test:long`, some hours on two cores. Names of projects limit it:
 * `npm run test:long -- hostile load`. Each figure that it prints is meant for docs/proof.md.
 */
import { spawnSync } from 'node:child_process'

/** The vitest projects whose sizes grow with COATCHECK_LONG=1. */
const PROJECTS = ['hostile', 'load', 'fault', 'races']

const asked = process.argv.slice(2)
const args = (asked.length > 0 ? asked : PROJECTS).flatMap((project) => ['--project', project])
// One file at a time, so that none takes the machine from another's figures.
const { status } = spawnSync('vitest', ['run', '--no-file-parallelism', ...args], {
  stdio: 'inherit',
  env: { ...process.env, COATCHECK_LONG: '1' },
  shell: process.platform === 'win32',
})
process.exitCode = status ?? 1
