import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

type Edge = readonly [from: string, to: string, statement: 'import' | 'import type']

interface Report {
  readonly summary: {
    readonly violations: readonly {
      readonly from: string
      readonly to: string
      readonly rule: { readonly name: string }
    }[]
  }
}

const REFUSED: readonly Edge[] = [
  ['src/adapters/express.ts', 'src/stores/memory.ts', 'import'],
  ['src/adapters/express.ts', 'src/adapters/node.ts', 'import'],
  ['src/adapters/express.ts', 'src/options.ts', 'import'],
  ['src/adapters/express.ts', 'src/session.ts', 'import'],
  ['src/manager.ts', 'src/stores/memory.ts', 'import'],
  ['src/manager.ts', 'src/testing.ts', 'import'],
  ['src/manager.ts', 'src/index.ts', 'import'],
  ['src/manager.ts', 'express', 'import type'],
  ['src/stores/memory.ts', 'src/manager.ts', 'import'],
  ['src/stores/memory.ts', 'src/stores/postgres.ts', 'import'],
  ['src/stores/postgres.ts', 'pg', 'import'],
  ['src/session.ts', 'src/exchange.ts', 'import type'],
  ['src/session.ts', 'node:crypto', 'import'],
  ['src/internal/staged-session.ts', 'src/manager.ts', 'import type'],
  ['src/internal/anything.ts', 'src/stores/memory.ts', 'import'],
  ['src/testing.ts', 'src/adapters/node.ts', 'import'],
  ['src/cookies/native.ts', 'src/manager.ts', 'import'],
  ['src/store.ts', 'src/internal/json.ts', 'import type'],
]

const ALLOWED: readonly Edge[] = [
  ['src/adapters/express.ts', 'src/manager.ts', 'import'],
  ['src/adapters/express.ts', 'src/session.ts', 'import type'],
  ['src/adapters/express.ts', 'express', 'import type'],
  ['src/adapters/express/global.ts', 'src/adapters/express.ts', 'import'],
  ['src/manager.ts', 'src/cookies/native.ts', 'import'],
  ['src/stores/embedded.ts', 'src/stores/postgres.ts', 'import'],
  ['src/testing.ts', 'src/stores/memory.ts', 'import'],
]

const CYCLE: readonly Edge[] = [
  ['src/internal/a.ts', 'src/internal/b.ts', 'import type'],
  ['src/internal/b.ts', 'src/internal/a.ts', 'import type'],
]

/** The rules that a tree with these imports breaks, by import. */
function cruise(edges: readonly Edge[]): Map<string, string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coatcheck-boundaries-'))
  try {
    symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'), 'junction')
    symlinkSync(path.resolve('tsconfig.json'), path.join(folder, 'tsconfig.json'))
    write(folder, edges)
    const broken = new Map<string, string[]>()
    for (const { from, to, rule } of report(folder).summary.violations) {
      const arrow = `${from} → ${to.replace(/.*node_modules\/(@types\/)?([^/]+).*/, '$2')}`
      broken.set(arrow, [...(broken.get(arrow) ?? []), rule.name])
    }
    return broken
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function write(folder: string, edges: readonly Edge[]): void {
  const files = new Set(edges.flatMap(([from, to]) => (to.startsWith('src/') ? [from, to] : [from])))
  for (const file of files) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    const lines = edges
      .filter(([from]) => from === file)
      .map(([from, to, statement], index) => `${statement} * as m${index} from '${toSpecifier(from, to)}'\n`)
    writeFileSync(path.join(folder, file), `${lines.join('')}export const a = 1\n`)
  }
}

function toSpecifier(from: string, to: string): string {
  if (!to.startsWith('src/')) return to
  const relative = path.posix.relative(path.posix.dirname(from), to)
  return relative.startsWith('.') ? relative : `./${relative}`
}

function report(folder: string): Report {
  const args = ['--config', path.resolve('.dependency-cruiser.cjs'), '--output-type', 'json', 'src']
  try {
    return JSON.parse(
      execFileSync(path.resolve('node_modules/.bin/depcruise'), args, { cwd: folder, encoding: 'utf8' }),
    )
  } catch (error) {
    return JSON.parse((error as { stdout: string }).stdout) // with violations the exit code is their number
  }
}

describe('who may import whom', () => {
  it('refuses each of these imports, by a rule of its own', () => {
    const broken = cruise(REFUSED)
    for (const [from, to] of REFUSED) {
      const rules = broken.get(`${from} → ${to.replace('node:', '')}`) ?? []
      expect(
        rules.filter((rule) => rule !== 'no-cycle'),
        `${from} → ${to}`,
      ).not.toEqual([])
    }
  })

  it('allows each of these imports', () => {
    expect(cruise(ALLOWED)).toEqual(new Map())
  })

  it('refuses a cycle, even one of types', () => {
    expect([...cruise(CYCLE).values()].flat()).toContain('no-cycle')
  })
})
