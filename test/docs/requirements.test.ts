import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Requirement, readRequirements, statusOf, writePage } from '../../scripts/requirements/page.ts'
import { readTests, testsIn } from '../../scripts/requirements/tests.ts'

const requirements = readRequirements()
const tests = readTests()

describe('docs/requirements.md', () => {
  it('is what npm run requirements writes', () => {
    expect(readFileSync('docs/requirements.md', 'utf8')).toBe(writePage(requirements, tests))
  })

  it('has every number from 1 to 218, in order', () => {
    const numbers = Array.from({ length: 218 }, (_, index) => `R-${String(index + 1).padStart(3, '0')}`)
    expect(requirements.map(({ number }) => number)).toEqual(numbers)
  })

  it('has a test, a guide or a reason for each', () => {
    expect(requirements.filter((each) => statusOf(each, tests) === 'open')).toEqual([])
  })

  it('says of none that is tested that it is not ours, not there yet, or otherwise', () => {
    const contradicts = ({ later, notOurs, otherwise }: Requirement) => later ?? notOurs ?? otherwise
    const tested = requirements.filter((each) => statusOf(each, tests) === 'tested')
    expect(tested.filter((each) => contradicts(each) !== undefined)).toEqual([])
  })

  it('names guides that are there', () => {
    const guides = requirements.flatMap(({ guide }) =>
      guide === undefined ? [] : [guide.split('#')[0] ?? ''],
    )
    expect(guides.filter((guide) => !existsSync(path.join('docs', guide)))).toEqual([])
  })

  it('has every number that a test names', () => {
    const known = new Set(requirements.map(({ number }) => number))
    expect(tests.filter(({ numbers }) => !numbers.every((number) => known.has(number)))).toEqual([])
  })
})

describe('testsIn', () => {
  it('finds a number in a title, in a group and in a row of a table', () => {
    const text = `describe('a group (rule 1, R-001)', () => {
      it('is a test (R-002, R-003)', () => {})
      it.each([['R-004', { a: 1 }, 403]])('%s: %o', () => {}) // R-005 in a comment is no name
    })`
    expect(testsIn('a.test.ts', text).map(({ name, numbers }) => [name, ...numbers])).toEqual([
      ['a group (rule 1)', 'R-001'],
      ['is a test', 'R-002', 'R-003'],
      ['a group: { a: 1 }, 403', 'R-004'],
    ])
  })
})
