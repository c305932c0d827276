/**
 * Everything that a change has to pass, in one command: `npm test`.
 *
 * Each step runs, also after one that failed. The last line is `N passed, N failed`: every vitest test, and
 * every other step as one. Any failure makes the exit code 1.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePrograms } from './ensure-debian.ts'

interface Count {
  readonly passed: number
  readonly failed: number
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

interface Step {
  readonly name: string
  readonly run: () => Promise<Count>
}

const PASSED: Count = { passed: 1, failed: 0 }
const FAILED: Count = { passed: 0, failed: 1 }

/** What of the output of a program is shown: all as it comes, or all at its end, where others run beside it. */
type Output = 'as it comes' | 'at the end'

const check = (name: string, command: string, args: readonly string[]): Step => ({
  name,
  run: async () => once(await run(command, args, 'at the end')),
})

/** One stage after the other, the steps of each at once. */
const STAGES: readonly (readonly Step[])[] = [
  [{ name: 'build', run: async () => once(await run('npm', ['run', '--silent', 'build'])) }],
  [
    check('typecheck', 'tsc', ['-p', 'tsconfig.json']),
    check('format and quick lint (biome)', 'biome', ['check', '--error-on-warnings']),
    check('type-aware lint (eslint)', 'eslint', ['.', '--max-warnings', '0']),
    check('who may import whom (dependency-cruiser)', 'npm', ['run', '--silent', 'boundaries']),
  ],
  [{ name: 'a browser and servers for the tests', run: () => Promise.resolve(once(ensurePrograms())) }],
  [{ name: 'tests (vitest)', run: tests }],
]

async function tests(): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-test-'))
  const file = join(folder, 'report.json')
  try {
    const ok = await run('vitest', [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ])
    const count = countTests(JSON.parse(readFileSync(file, 'utf8')) as Report) // vitest's own format
    return ok || count.failed > 0 ? count : { ...count, failed: 1 }
  } catch (error) {
    console.error('vitest left no report', error)
    return FAILED
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A skipped test counts as failed, and so does a file that did not load: neither proved anything. */
function countTests(report: Report): Count {
  const skipped = report.numPendingTests + report.numTodoTests
  if (skipped > 0) console.error(`${skipped} skipped tests, which count as failed`)
  const isBroken = (file: Report['testResults'][number]) =>
    file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')
  const broken = report.testResults.filter(isBroken).length
  return { passed: report.numPassedTests, failed: report.numFailedTests + skipped + broken }
}

function once(ok: boolean): Count {
  return ok ? PASSED : FAILED
}

/** Runs a program of `node_modules/.bin`. @returns whether it exited with 0. */
function run(command: string, args: readonly string[], output: Output = 'as it comes'): Promise<boolean> {
  const stream = output === 'as it comes' ? 'inherit' : 'pipe'
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', stream, stream],
      shell: process.platform === 'win32',
    })
    const held: Buffer[] = []
    for (const from of [child.stdout, child.stderr]) from?.on('data', (chunk: Buffer) => held.push(chunk))
    child.once('error', (error) => {
      console.error(error.message)
      resolve(false)
    })
    child.once('close', (code) => {
      process.stdout.write(Buffer.concat(held))
      resolve(code === 0)
    })
  })
}

async function runStep({ name, run }: Step): Promise<Count> {
  console.log(`\n== ${name}`)
  const startedAt = Date.now()
  const count = await run()
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  console.log(`== ${name}: ${count.failed === 0 ? 'ok' : 'FAILED'} in ${seconds} s`)
  return count
}

async function main(): Promise<void> {
  const failedSteps: string[] = []
  let passed = 0
  let failed = 0
  for (const stage of STAGES) {
    const counts = await Promise.all(stage.map(runStep))
    for (const [index, count] of counts.entries()) {
      passed += count.passed
      failed += count.failed
      if (count.failed > 0) failedSteps.push(stage[index]?.name ?? '')
    }
  }
  if (failedSteps.length > 0) console.log(`\nfailed: ${failedSteps.join(', ')}`)
  process.exitCode = failed === 0 ? 0 : 1
  console.log(`\n${passed} passed, ${failed} failed`)
}

void main() // nothing stands above it that could take a rejection
