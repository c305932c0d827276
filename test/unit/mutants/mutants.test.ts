import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { mutants } from '../../../scripts/mutants/all.ts'
import { mutantProblem, mutate } from '../../../scripts/mutants/mutant.ts'

describe('the mutants of npm run mutants', () => {
  it('have a name each', () => {
    const names = mutants.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it.each(mutants)('$name: its text stands in $file exactly once, and its tests are there', (mutant) => {
    expect(mutantProblem(mutant, '.')).toBeUndefined()
    const text = readFileSync(mutant.file, 'utf8')
    expect(mutate(text, mutant.edits)).not.toBe(text)
    expect(mutant.tests.length).toBeGreaterThan(0)
    expect(mutant.tests.filter((file) => !existsSync(file))).toEqual([])
  })

  it('would be missed: a text that is gone, or stands twice, is a problem', () => {
    const [mutant] = mutants
    const anEdit = (find: string) => [{ find, replace: '' }]
    if (mutant === undefined) return expect.unreachable('there is no mutant')
    expect(mutantProblem({ ...mutant, edits: anEdit('no such text') }, '.')).toContain('0 times')
    expect(mutantProblem({ ...mutant, edits: anEdit('import ') }, '.')).toMatch(/holds this \d\d? times/)
  })
})
