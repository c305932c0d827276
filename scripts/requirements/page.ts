import { readFileSync } from 'node:fs'
import type { NamedTest } from './tests.ts'

export { readTests } from './tests.ts'

/** One line of the list of requirements, and what stands for it where no test does. */
export interface Requirement {
  readonly number: string
  readonly title: string
  /** The page, relative to `docs/`, that says what to do. */
  readonly guide?: string
  /** What is not there yet. */
  readonly later?: string
  /** Why it was decided otherwise. */
  readonly otherwise?: string
  /** Why it is no affair of this package. */
  readonly notOurs?: string
  /** What to know beside the tests. */
  readonly note?: string
}

/** How a requirement is met, the strongest first. */
type Status = 'tested' | 'not there yet' | 'decided otherwise' | 'guide' | 'not ours' | 'open'

const SOURCES: readonly (readonly [first: number, title: string])[] = [
  [1, 'OWASP ASVS 5.0, V7: session management'],
  [20, 'OWASP ASVS 5.0, V3: cookies, headers, cross-site requests'],
  [34, 'OWASP ASVS 5.0, other chapters'],
  [90, 'OWASP Session Management Cheat Sheet'],
  [120, 'OWASP CSRF Prevention Cheat Sheet'],
  [145, 'RFC 6265bis and CHIPS'],
  [173, "Go's `http.CrossOriginProtection`"],
  [197, 'NIST SP 800-63B-4'],
]

const HEAD = `<!-- Written by \`npm run requirements\`: change scripts/requirements/list.json, or the name of a test. -->

# Requirements

What standards ask of a session library, by number, and what shows that it is so. The tests carry the numbers in their
names; this page is made from them.

- **tested**: the tests below it fail if it stops to hold.
- **guide**: the application's part; a guide says how.
- **decided otherwise**, **not ours**: with the reason.
- **not there yet**: said as it is.
`

/** The list of requirements, in the order of their numbers. */
export function readRequirements(): Requirement[] {
  const file = new URL('list.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as Requirement[] // our own
}

/** How a requirement stands. */
export function statusOf(requirement: Requirement, tests: readonly NamedTest[]): Status {
  const { number, later, otherwise, guide, notOurs } = requirement
  if (tests.some(({ numbers }) => numbers.includes(number))) return 'tested'
  if (later !== undefined) return 'not there yet'
  if (otherwise !== undefined) return 'decided otherwise'
  if (guide !== undefined) return 'guide'
  return notOurs === undefined ? 'open' : 'not ours'
}

/** The whole of `docs/requirements.md`. */
export function writePage(requirements: readonly Requirement[], tests: readonly NamedTest[]): string {
  const counts = new Map<Status, number>()
  for (const each of requirements) {
    const status = statusOf(each, tests)
    counts.set(status, (counts.get(status) ?? 0) + 1)
  }
  const rows = [...counts].sort(([, a], [, b]) => b - a).map(([status, count]) => `| ${status} | ${count} |`)
  const sections = SOURCES.map(([first, title], index) => {
    const [next = Infinity] = SOURCES[index + 1] ?? []
    const own = requirements.filter(({ number }) => toIndex(number) >= first && toIndex(number) < next)
    return `## ${title}\n\n${own.map((each) => writeEntry(each, tests)).join('\n')}\n`
  })
  return [HEAD, ['| | |', '|---|---|', ...rows, ''].join('\n'), ...sections].join('\n')
}

function toIndex(number: string): number {
  return Number(number.slice(2))
}

function writeEntry(requirement: Requirement, tests: readonly NamedTest[]): string {
  const { number, title, guide, later, otherwise, notOurs, note } = requirement
  const link = guide === undefined ? undefined : `[guide](${guide})`
  const status = statusOf(requirement, tests)
  const reasons = [later, otherwise, notOurs, note].filter((reason) => reason !== undefined)
  const facts = [status === 'guide' ? undefined : `**${status}**`, link].filter((fact) => fact !== undefined)
  const head = `- ${number} ${title}: ${[facts.join(', '), ...reasons].join('; ')}`
  const own = tests.filter(({ numbers }) => numbers.includes(number))
  return [head, ...own.map(({ file, name }) => `  - \`${file}\`: ${escapeMarkdown(name)}`)].join('\n')
}

function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_<>[\]|]/g, String.raw`\$&`)
}
