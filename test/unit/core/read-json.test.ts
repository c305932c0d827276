import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJson } from '../../../src/internal/read-json.ts'

/** Keys and texts of the characters that a JSON text escapes or gives a meaning. */
const text = fc.string({ unit: fc.constantFrom(...'kab01"\\\n\u0001:{},[]'), maxLength: 4 })
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, fc.integer(), text, fc.constant(null), tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(text, tie('value'), { maxKeys: 6, noNullPrototype: true }),
}))

describe('readJson', () => {
  it('reads whatever JSON.stringify writes, in every spelling of white space', () => {
    fc.assert(
      fc.property(value, fc.constantFrom('', ' ', '\n\t'), (written, space) => {
        expect(readJson(JSON.stringify(written, undefined, space))).toStrictEqual(written)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes no key for another that the engine has seen, as JSON.parse does in V8 12.8 and later', () => {
    JSON.parse('{"h":[],"\\\\":0}')
    expect(readJson('{"h":1,"\\"":2}')).toStrictEqual({ h: 1, '"': 2 })
  })

  it('gives escaped keys no name that another key of the text has', () => {
    expect(readJson('{"k0":1,"\\"":2,"kk0":3}')).toStrictEqual({ k0: 1, '"': 2, kk0: 3 })
  })

  it('takes for a key what is one, whatever stands in and between the texts before it', () => {
    expect(readJson('{"":"",":\\"\\"":""}')).toStrictEqual({ '': '', ':""': '' })
    expect(readJson('["\\"",":","\\":"]')).toStrictEqual(['"', ':', '":'])
  })

  it('keeps a key "__proto__" a key', () => {
    const read = readJson('{"\\"":1,"__proto__":2}')
    expect(Object.keys(read as object).sort()).toEqual(['"', '__proto__']) // an object, by the text
  })

  it.each(['', '{"a\\":1}', '{"\\x":1}', '{"\\"":}', '{"\\"" 1}', '"\\'])('refuses %s', (broken) => {
    expect(() => readJson(broken)).toThrow(SyntaxError)
  })
})
