import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { linkPackages } from '../package/global-setup.ts'

const { project } = inject('installed')
const cases = path.resolve('test/types/cases')

const NODENEXT = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }
const BUNDLER = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }

/** As strict as a compiler of a user can be; declarations of ours are checked as well. */
const STRICT: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
  noEmit: true,
}

/**
 * Compiles files of the user's project, against the declarations that the package ships. Those are checked
 * as well; the declarations of others are not ours to judge.
 */
function compile(folder: string, options: ts.CompilerOptions): string[] {
  const files = readdirSync(folder).map((name) => path.join(folder, name))
  const all = { ...STRICT, ...options }
  const host = ts.createCompilerHost(all)
  host.getCurrentDirectory = () => project // where the types that `types` names are looked for
  const program = ts.createProgram(files, all, host)
  const ours = program
    .getSourceFiles()
    .filter((file) => files.includes(file.fileName) || file.fileName.includes('/node_modules/coatcheck/'))
  return [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...ours.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]),
  ].map(describeDiagnostic)
}

function describeDiagnostic({ file, start = 0, messageText }: ts.Diagnostic): string {
  const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
  const name = file === undefined ? '' : path.relative(project, file.fileName)
  return `${name}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
}

beforeAll(async () => {
  await linkPackages(project, ['@types', 'express', 'fastify', 'hono', 'koa', 'pg'])
  cpSync(cases, path.join(project, 'cases'), { recursive: true })
})

describe('the declarations that the package ships', () => {
  for (const [name, resolution] of Object.entries({ nodenext: NODENEXT, bundler: BUNDLER })) {
    it(`accept what works and refuse what would throw (${name})`, () => {
      expect(compile(path.join(project, 'cases/plain'), { ...resolution, types: ['node'] })).toEqual([])
    })

    it(`give every plain Session the values that an application registers (${name})`, () => {
      expect(compile(path.join(project, 'cases/registered'), { ...resolution, types: ['node'] })).toEqual([])
    })

    it(`need no types of Node in the core and in the store of PostgreSQL (${name})`, () => {
      expect(compile(path.join(project, 'cases/workers'), { ...resolution, types: [] })).toEqual([])
    })
  }
})

describe('this check', () => {
  it('fails on an error that was not expected, and on one that was and is gone', () => {
    const folder = path.join(project, 'cases/broken')
    mkdirSync(folder)
    cpSync(path.join(cases, 'plain/errors.ts'), path.join(folder, 'a.ts'))
    ts.sys.writeFile(
      path.join(folder, 'b.ts'),
      "import { nothing } from 'coatcheck'\n// @ts-expect-error\nexport const b = 1\n",
    )
    const problems = compile(folder, { ...NODENEXT, types: ['node'] })
    rmSync(folder, { recursive: true })
    expect(problems).toEqual([
      "cases/broken/b.ts:1 Module '\"coatcheck\"' has no exported member 'nothing'.",
      "cases/broken/b.ts:2 Unused '@ts-expect-error' directive.",
    ])
  })
})
