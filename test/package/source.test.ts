import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => path.join('src', name))
  .sort()
  .map((name) => parse(name, readFileSync(name, 'utf8')))

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> } // our own
const entries = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => path.resolve('src', `${subpath === '.' ? 'index' : subpath.slice(2)}.ts`))

function parse(name: string, text: string): ts.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
}

function place(node: ts.Node): string {
  const file = node.getSourceFile()
  const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1
  const name = ts.isVariableStatement(node)
    ? node.declarationList.declarations[0]?.name
    : (node as ts.NamedDeclaration).name // every kind that is asked about has one
  return `${file.fileName.replace(`${process.cwd()}/`, '')}:${line} ${name?.getText() ?? ''}`
}

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)

/** A doc comment that is its own: an overload shares that of the first one. */
function hasDoc(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).some((doc) => ts.isJSDoc(doc) && doc.getText().length > 8)
}

/** Exported declarations that nobody explained. */
function undocumented(file: ts.SourceFile): string[] {
  const explained = new Set<string>()
  const missing: ts.Node[] = []
  for (const statement of file.statements) {
    if (!isExported(statement) || ts.isExportDeclaration(statement)) continue
    const overload = ts.isFunctionDeclaration(statement) ? statement.name?.text : undefined
    if (hasDoc(statement)) explained.add(overload ?? '')
    else if (overload === undefined || !explained.has(overload)) missing.push(statement)
  }
  return missing.map(place)
}

/** Members of interfaces and classes that an entry of the package exports, and that nobody explained. */
function undocumentedMembers(entries: readonly string[], host?: ts.CompilerHost): string[] {
  const options = { noEmit: true, skipLibCheck: true, module: ts.ModuleKind.NodeNext, types: ['node'] }
  const program = ts.createProgram(entries, { ...options, allowImportingTsExtensions: true }, host)
  const checker = program.getTypeChecker()
  const places = new Set<string>()
  for (const entry of entries) {
    const file = program.getSourceFile(entry)
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file)
    for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      for (const member of (symbol.declarations ?? []).flatMap(membersOf)) places.add(place(member))
    }
  }
  return [...places]
}

function membersOf(declaration: ts.Declaration): readonly ts.Node[] {
  if (ts.isInterfaceDeclaration(declaration)) return declaration.members.filter((member) => !hasDoc(member))
  if (ts.isClassDeclaration(declaration)) return declaration.members.filter(needsDoc)
  return []
}

/** A public member of an exported class that neither implements nor overrides what is explained elsewhere. */
function needsDoc(member: ts.ClassElement): boolean {
  if (hasDoc(member) || member.name === undefined || ts.isPrivateIdentifier(member.name)) return false
  const owner = member.parent as ts.ClassDeclaration // a class element stands in a class
  const implementing = (owner.heritageClauses ?? []).some(
    (clause) => clause.token === ts.SyntaxKind.ImplementsKeyword,
  )
  const overriding = (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Override) !== 0
  return !implementing && !overriding && !ts.isComputedPropertyName(member.name)
}

/** Assertions whose line does not say why they hold. */
function unexplained(file: ts.SourceFile): string[] {
  const lines = file.text.split('\n')
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isAsExpression(node) && !ts.isConstTypeReference(node.type)) {
      const end = file.getLineAndCharacterOfPosition(node.getEnd()).line
      const start = file.getLineAndCharacterOfPosition(node.getStart()).line
      const near = lines.slice(Math.max(0, start - 1), end + 1)
      if (!near.some((line) => line.includes('// ')))
        found.push(`${file.fileName}:${end + 1} ${lines[end]?.trim() ?? ''}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

describe('source', () => {
  it('has a doc comment on every exported declaration', () => {
    expect(sources.flatMap(undocumented)).toEqual([])
  })

  it('has a doc comment on every member of an interface or class that the package exports', () => {
    expect(undocumentedMembers(entries)).toEqual([])
  })

  it('says at each type assertion why it holds', () => {
    expect(sources.flatMap(unexplained)).toEqual([])
  })

  it('names no registry host, and neither does any other file of the project', () => {
    const host = /\bregistry\.[a-z-]+\.[a-z]+/
    const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n')
    expect(files.filter((file) => host.test(readFileSync(file, 'utf8')))).toEqual([])
  })
})

describe('these checks', () => {
  it('find a missing doc comment', () => {
    const file = parse('a.ts', '/** Says. */ export function a() {}\nexport const b = 1\nconst c = 1\n')
    expect(undocumented(file)).toEqual(['a.ts:2 b'])
  })

  it('find a member without one, also behind a re-export', () => {
    const files = new Map([
      ['/a.ts', "export { type B } from './b.ts'\n/** Says. */\nexport class C {\n  d = 1\n  #e = 2\n}\n"],
      ['/b.ts', '/** Says. */\nexport interface B {\n  /** Says. */ f: 1\n  g: 2\n}\n'],
    ])
    const host = ts.createCompilerHost({})
    const [readFile, fileExists] = [host.readFile, host.fileExists]
    host.readFile = (name) => files.get(name) ?? readFile(name)
    host.fileExists = (name) => files.has(name) || fileExists(name)
    host.getSourceFile = (name, options) =>
      ts.createSourceFile(name, host.readFile(name) ?? '', options, true)
    expect(undocumentedMembers(['/a.ts'], host)).toEqual(['/b.ts:4 g', '/a.ts:4 d'])
  })

  it('find an assertion without a reason', () => {
    const file = parse(
      'a.ts',
      'const a = b as string\n\nconst c = d as string // d is one\n\nconst e = [1] as const',
    )
    expect(unexplained(file)).toEqual(['a.ts:1 const a = b as string'])
  })
})
