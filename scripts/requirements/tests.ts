import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** A test, or a group of tests, whose name says which requirements it covers. */
export interface NamedTest {
  readonly file: string
  readonly name: string
  readonly numbers: readonly string[]
}

/** Where tests are; those of the store's contract are data of the package. */
const FOLDERS = ['test', 'src/testing']
const NUMBER = /\bR-\d{3}\b/g

/** Every test that names a requirement, by file. */
export function readTests(): NamedTest[] {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.posix.join(folder, name)),
  )
  return files
    .filter((file) => file.endsWith('.ts') && file !== 'test/docs/requirements.test.ts')
    .sort()
    .flatMap((file) => testsIn(file, readFileSync(file, 'utf8')))
}

/** The tests of one file that name a requirement. */
export function testsIn(file: string, text: string): NamedTest[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: NamedTest[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const title = titleOf(node)
      const numbers = [...new Set(title.match(NUMBER))]
      if (numbers.length > 0) found.push({ file, name: nameOf(node, title, source), numbers })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function titleOf(node: ts.StringLiteralLike | ts.TemplateExpression): string {
  return ts.isStringLiteralLike(node) ? node.text : node.getText().slice(1, -1)
}

/** A number that stands alone is a cell of a table of cases: its row tells the case, and its group the rest. */
function nameOf(node: ts.Node, title: string, source: ts.SourceFile): string {
  const rest = title
    .replace(NUMBER, '')
    .replaceAll(/\((rules? [\d, and]+?)?[, ]*\)/g, (_whole, rule?: string) => (rule ? `(${rule})` : ''))
    .replaceAll(/\s+/g, ' ')
    .trim()
  if (rest !== '') return rest
  const cells = ts.isArrayLiteralExpression(node.parent) ? node.parent.elements : []
  const row = cells.filter((cell) => cell !== node).map((cell) => cell.getText(source))
  return `${groupOf(node)}: ${row.join(', ').replaceAll(/\s+/g, ' ')}`
}

/** The title of the nearest `describe` round a node. */
function groupOf(node: ts.Node): string {
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    if (!ts.isCallExpression(at) || at.expression.getText() !== 'describe') continue
    const [title] = at.arguments
    if (title !== undefined && ts.isStringLiteralLike(title)) return title.text.replace(/ \([^)]*\)$/, '')
  }
  return ''
}
