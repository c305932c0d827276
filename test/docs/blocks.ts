import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** A fenced block of a page, with what the comment before it says. See CONTRIBUTING.md. */
export interface Block {
  readonly page: string
  /** Of the first line of code, counted from 1. */
  readonly line: number
  readonly language: string
  readonly text: string
  readonly mark: Mark
}

export type Mark =
  | { readonly kind: 'none' | 'compiles' | 'continues' }
  | { readonly kind: 'given'; readonly names: readonly string[] }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'from'; readonly file: string }
  | { readonly kind: 'unchecked'; readonly reason: string }

/** Every page whose blocks are checked. */
export function listPages(): string[] {
  const folders = ['docs', 'decisions'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.posix.join(folder, name)),
  )
  const api = 'docs/api/' // generated from the doc comments
  return [
    'README.md',
    'CONTRIBUTING.md',
    ...folders.filter((file) => file.endsWith('.md') && !file.startsWith(api)).sort(),
  ]
}

export function readBlocks(page: string): Block[] {
  return parseBlocks(page, readFileSync(page, 'utf8'))
}

export function parseBlocks(page: string, markdown: string): Block[] {
  const lines = markdown.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const open = /^(\s*)(`{3,}|~{3,})\s*(.*)$/.exec(lines[at] ?? '')
    if (open === null) continue
    const [, indent = '', fence = '', language = ''] = open
    const start = at + 1
    while (++at < lines.length && lines[at]?.trim() !== fence);
    const text = lines
      .slice(start, at)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    blocks.push({
      page,
      line: start + 1,
      language: language.trim(),
      text: text.join('\n'),
      mark: markAbove(page, lines, start - 2),
    })
  }
  return blocks
}

/** Reads the comment above a block; empty lines between them do not count. */
function markAbove(page: string, lines: readonly string[], from: number): Mark {
  let at = from
  while (lines[at]?.trim() === '') at--
  const comment = /^\s*<!--(.*)-->\s*$/.exec(lines[at] ?? '')?.[1]?.trim()
  return comment === undefined ? { kind: 'none' } : parseMark(comment, `${page}:${at + 1}`)
}

function parseMark(comment: string, place: string): Mark {
  const [, kind, rest = ''] = /^([a-z]+)(?::\s*(.+))?$/.exec(comment) ?? []
  if ((kind === 'compiles' || kind === 'continues') && rest === '') return { kind }
  if (kind === 'given' && rest !== '') return { kind, names: rest.split(',').map((name) => name.trim()) }
  if (kind === 'file' && /^[\w./-]+\.(ts|js)$/.test(rest)) return { kind, name: rest }
  if (kind === 'from' && rest !== '') return { kind, file: rest }
  if (kind === 'unchecked' && rest !== '') return { kind, reason: rest }
  throw new Error(`${place} has a comment before a code block that means nothing: ${comment}`)
}
