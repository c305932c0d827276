/**
 * Sees the tests go red: `npm run mutants`.
 *
 * Puts one known fault at a time into a copy of the source and runs the tests that have to notice it. A fault
 * that none of them notices is a survivor, and makes the exit code 1; so does one whose text is not in the
 * source any more.
 *
 *   --fast          only those that need no PostgreSQL
 *   --only <name>   only those whose name holds this text
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { mutants } from './mutants/all.ts'
import { type Mutant, mutantProblem, mutate } from './mutants/mutant.ts'

/** What the copy is made of. */
const COPIED = ['src', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts']
/** What it shares with the project: packages, and the cache that holds a PostgreSQL. */
const LINKED = ['node_modules', '.cache']
const CONFIGURATION = 'scripts/mutants/vitest.config.ts'
/** A fault may make its tests wait for ever. */
const LONGEST_FILE_MS = 240_000

/** What became of one run of tests. */
interface Run {
  readonly passed: boolean
  /** The first test that failed; `undefined`: none did, whatever else went wrong. */
  readonly failedTest: string | undefined
  readonly output: string
}

type Verdict = 'killed' | 'survived' | 'broken'

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly success: boolean
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** A copy of the project, in which faults are put and taken out again. */
class Copy {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'coatcheck-mutants-')))
  #running: ChildProcess | undefined

  constructor(root: string) {
    for (const name of COPIED) cpSync(join(root, name), join(this.folder, name), { recursive: true })
    for (const name of LINKED)
      if (existsSync(join(root, name))) symlinkSync(join(root, name), join(this.folder, name))
  }

  async runWith({ file, edits, tests, needsPostgres = false }: Mutant): Promise<Run> {
    const path = join(this.folder, file)
    const original = readFileSync(path, 'utf8')
    writeFileSync(path, mutate(original, edits))
    try {
      return await this.run(tests, needsPostgres)
    } finally {
      writeFileSync(path, original)
    }
  }

  async run(tests: readonly string[], withPostgres: boolean): Promise<Run> {
    const file = join(this.folder, 'report.json')
    rmSync(file, { force: true })
    const reporting = ['--reporter=dot', '--reporter=json', `--outputFile.json=${file}`]
    const args = ['run', '--config', CONFIGURATION, '--bail=1', ...reporting, ...tests]
    const { hasExitedWell, output } = await this.#vitest(args, withPostgres, tests.length * LONGEST_FILE_MS)
    if (!existsSync(file)) return { passed: false, failedTest: undefined, output }
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report // vitest's own format
    const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
    const failedTest = results.find(({ status }) => status === 'failed')?.fullName
    return { passed: hasExitedWell && report.success && report.numPassedTests > 0, failedTest, output }
  }

  #vitest(
    args: readonly string[],
    withPostgres: boolean,
    longestMs: number,
  ): Promise<{ hasExitedWell: boolean; output: string }> {
    const environment = { ...process.env, MUTANTS_WITH_POSTGRES: withPostgres ? '1' : '0' }
    const child = spawn(process.execPath, [join('node_modules', 'vitest', 'vitest.mjs'), ...args], {
      cwd: this.folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#running = child
    const timer = setTimeout(() => child.kill('SIGTERM'), longestMs)
    let output = ''
    const read = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    return new Promise((resolve) => {
      child.once('close', (code) => {
        clearTimeout(timer)
        resolve({ hasExitedWell: code === 0, output })
      })
    })
  }

  remove(): void {
    this.#running?.kill('SIGTERM')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Runs every test that is named, on the source as it is. */
async function control(copy: Copy, chosen: readonly Mutant[]): Promise<boolean> {
  const tests = [...new Set(chosen.flatMap((mutant) => mutant.tests))]
  const { passed, failedTest, output } = await copy.run(
    tests,
    chosen.some((it) => it.needsPostgres),
  )
  console.log(`${passed ? 'ok' : 'FAILED'}: ${tests.length} files of tests without a mutant`)
  if (!passed) console.log(failedTest ?? output)
  return passed
}

async function judge(copy: Copy, mutant: Mutant): Promise<Verdict> {
  const startedAt = Date.now()
  const { passed, failedTest, output } = await copy.runWith(mutant)
  const verdict = failedTest === undefined ? (passed ? 'survived' : 'broken') : 'killed'
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  console.log(`${verdict.padEnd(8)} ${mutant.name} (${seconds} s)`)
  if (verdict === 'killed') console.log(`         by: ${failedTest}`)
  if (verdict === 'survived') console.log(`         ${mutant.why}`)
  if (verdict === 'broken') console.log(output)
  return verdict
}

function choose(): readonly Mutant[] {
  const { values } = parseArgs({ options: { fast: { type: 'boolean' }, only: { type: 'string' } } })
  const { fast = false, only = '' } = values
  return mutants.filter(({ name, needsPostgres }) => name.includes(only) && !(fast && needsPostgres))
}

async function main(): Promise<void> {
  const root = resolve(import.meta.dirname, '..')
  const chosen = choose()
  const problems = chosen.flatMap((mutant) => {
    const problem = mutantProblem(mutant, root)
    return problem === undefined ? [] : [`${mutant.name}: ${problem}`]
  })
  for (const problem of problems) console.log(problem)
  process.exitCode = 1
  if (problems.length > 0 || chosen.length === 0) return

  const copy = new Copy(root)
  process.once('SIGINT', () => {
    copy.remove()
    process.exit(130)
  })
  try {
    if (!(await control(copy, chosen))) return
    const verdicts: Verdict[] = []
    for (const mutant of chosen) verdicts.push(await judge(copy, mutant))
    const count = (verdict: Verdict) => verdicts.filter((it) => it === verdict).length
    const [killed, survived, broken] = [count('killed'), count('survived'), count('broken')]
    console.log(`\n${killed} killed, ${survived} survived, ${broken} broken`)
    process.exitCode = killed === chosen.length ? 0 : 1
  } finally {
    copy.remove()
  }
}

void main() // nothing stands above it that could take a rejection
