import path from 'node:path'
import ts from 'typescript'
import type { Program } from './programs.ts'

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  strict: true,
  allowImportingTsExtensions: true,
  allowJs: true,
  checkJs: true,
  skipLibCheck: true,
  noEmit: true,
}

const parsed = new Map<string, ts.SourceFile | undefined>()

/** Compiles the programs of a page, which stand in `folder`. @returns what is wrong, with its place on the page. */
export function compile(folder: string, programs: readonly Program[]): string[] {
  const host = ts.createCompilerHost(OPTIONS)
  const getSourceFile = host.getSourceFile.bind(host)
  host.getCurrentDirectory = () => folder
  host.getSourceFile = (name, options, ...rest) => {
    if (!name.includes('/node_modules/')) return getSourceFile(name, options, ...rest)
    if (!parsed.has(name)) parsed.set(name, getSourceFile(name, options, ...rest))
    return parsed.get(name)
  }
  const files = new Map(programs.map((program) => [path.join(folder, program.name), program]))
  return ts
    .getPreEmitDiagnostics(ts.createProgram([...files.keys()], OPTIONS, host))
    .map(({ file, start = 0, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
      const place = files.get(file?.fileName ?? '')?.placeOf(line) ?? file?.fileName ?? folder
      return `${place} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
}
