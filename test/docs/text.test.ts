import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { type Block, listPages, parseBlocks, readBlocks } from './blocks.ts'

const LANGUAGES = ['nginx', 'ts', 'js', 'sql', 'sh', 'json', 'text']
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> } // our own

/** npm scripts that a block runs and that do not exist. */
function missingScripts(shell: string): string[] {
  const named = [...shell.matchAll(/\bnpm (?:run(?: --?[\w-]+)* ([\w:-]+)|(test|start)\b)/g)]
  return named.map(([, script, short]) => script ?? short ?? '').filter((script) => !(script in scripts))
}

async function runSql({ text, mark }: Block): Promise<void> {
  const client = new pg.Client({ connectionString: await createDatabase(inject('postgres')[18]) })
  await client.connect()
  try {
    if (mark.kind === 'given' && mark.names.includes('migrated'))
      await new PostgresStore({ db: client }).migrate()
    const isWhole = !/\bconcurrently\b/i.test(text) // which PostgreSQL refuses in a transaction
    if (isWhole) await client.query('begin')
    for (const [index, statement] of text.split(/;\s*(?:--.*)?(?:\n|$)/).entries())
      if (/^\s*[a-z(]/im.test(statement.replace(/--.*$/gm, '')))
        await client.query(
          statement.includes('$1') ? `prepare statement_${index} as ${statement}` : statement,
        )
    if (isWhole) await client.query('rollback') // roles belong to the server, and would outlive the database
  } finally {
    await client.end()
  }
}

/** As the hosts of repositories make them. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)]
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}

function brokenLinks(page: string): string[] {
  const markdown = readFileSync(page, 'utf8')
  const links = [...markdown.replace(/^```[\s\S]*?^```/gm, '').matchAll(/\]\(([^)\s]+)\)/g)]
  return links
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? page : path.join(path.dirname(page), file)
      if (!existsSync(target)) return true
      if (anchor === undefined || statSync(target).isDirectory()) return anchor !== undefined
      return !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
    })
}

for (const page of listPages()) {
  const blocks = readBlocks(page)

  describe(page, () => {
    it('names a known language at each block', () => {
      const unknown = blocks.filter(({ language }) => !LANGUAGES.includes(language))
      expect(unknown.map(({ line, language }) => `${page}:${line} ${language}`)).toEqual([])
    })

    it('links to what is there', () => {
      expect(brokenLinks(page)).toEqual([])
    })

    for (const block of blocks.filter(({ mark }) => mark.kind !== 'unchecked')) {
      const place = `${page}:${block.line}`
      const { mark } = block
      if (mark.kind === 'from')
        it(`shows what stands in ${mark.file}, at ${place}`, () => {
          expect(readFileSync(mark.file, 'utf8')).toContain(block.text)
        })
      if (block.language === 'sh')
        it(`has commands that exist, at ${place}`, () => {
          execFileSync('bash', ['-n'], { input: block.text })
          expect(missingScripts(block.text)).toEqual([])
        })
      if (block.language === 'sql')
        it(`has SQL that runs, at ${place}`, async () => {
          await runSql(block)
        })
      if (block.language === 'json')
        it(`has JSON that parses, at ${place}`, () => {
          JSON.parse(block.text)
        })
    }
  })
}

describe('these checks', () => {
  it('find a block, its language and its comment', () => {
    const markdown = '# a\n\n<!-- given: app, req -->\n```ts\nconst a = 1\n```\n\n```\nb\n```\n'
    expect(parseBlocks('a.md', markdown)).toEqual([
      {
        page: 'a.md',
        line: 5,
        language: 'ts',
        text: 'const a = 1',
        mark: { kind: 'given', names: ['app', 'req'] },
      },
      { page: 'a.md', line: 9, language: '', text: 'b', mark: { kind: 'none' } },
    ])
    expect(() => parseBlocks('a.md', '<!-- runs? -->\n```ts\n```')).toThrow('a.md:1')
  })

  it('find a script that does not exist', () => {
    expect(missingScripts('npm ci && npm run nothing\nnpm test\nnpm run --silent build')).toEqual(['nothing'])
  })

  it('fail on SQL that does not run', async () => {
    const block: Block = {
      page: '',
      line: 1,
      language: 'sql',
      text: 'select 1;\nselect a from nothing;',
      mark: { kind: 'none' },
    }
    await expect(runSql(block)).rejects.toThrow('nothing')
  })
})
