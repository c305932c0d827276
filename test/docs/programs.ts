import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import type { Block } from './blocks.ts'

/** Blocks of one page that make one file. */
export interface Program {
  /** File name, in a folder of the page's own. */
  readonly name: string
  readonly text: string
  /** Whether it is a whole program, to be run. */
  readonly runs: boolean
  /** Where on the page a line of the file stands. */
  placeOf(line: number): string
}

/** Makes files of a page's `ts` and `js` blocks. */
export function toPrograms(blocks: readonly Block[]): Program[] {
  const chains: Block[][] = []
  for (const block of blocks) {
    if (block.mark.kind === 'unchecked' || block.mark.kind === 'from') continue
    if (block.language !== 'ts' && block.language !== 'js') continue
    const chain = chains.at(-1)
    if (block.mark.kind !== 'continues') chains.push([block])
    else if (chain === undefined) throw new Error(`${block.page}:${block.line} continues nothing`)
    else chain.push(block)
  }
  return chains.map(toProgram)
}

function toProgram(chain: readonly Block[]): Program {
  const [first] = chain
  if (first === undefined) throw new Error('a program has a block')
  const { mark, page, line, language } = first
  const prelude =
    mark.kind === 'given'
      ? `import { ${mark.names.join(', ')} } from './given.ts'`
      : '// as it stands on the page'
  const places = [`${page}:${line - 2}`]
  for (const block of chain)
    places.push(...block.text.split('\n').map((_, index) => `${page}:${block.line + index}`))
  return {
    name: mark.kind === 'file' ? mark.name : `line-${line}.${language}`,
    text: [prelude, ...chain.map((block) => block.text), 'export {}', ''].join('\n'),
    runs: mark.kind === 'none',
    placeOf: (at) => places[at - 1] ?? page,
  }
}

/** Writes a program and, beside it, what it compiles to. @returns the file to run. */
export function writeProgram(folder: string, { name, text }: Program): string {
  const file = path.join(folder, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  if (name.endsWith('.js')) return file
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    rewriteRelativeImportExtensions: true,
  }
  const emitted = file.replace(/ts$/, 'js')
  writeFileSync(emitted, ts.transpileModule(text, { compilerOptions }).outputText)
  return emitted
}
