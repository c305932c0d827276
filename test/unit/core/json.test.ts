import { runInNewContext } from 'node:vm'
import { ValueError } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { checkKey, checkStorable, isStorableText, toJsonText } from '../../../src/internal/json.ts'

class Point {
  readonly x = 1
}

const cycle: { self?: unknown } = {}
cycle.self = cycle

const sparse = [1, 2, 3]
delete sparse[1]

const tagged = Object.assign([1], { tag: 'x' })

const holeAndTag = Object.assign([1, 2, 3], { tag: 'x' })
delete holeAndTag[1]

const hidden = Object.defineProperty({}, 'x', { value: 1, enumerable: false })

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { x: value }
  return value
}

const PROTO = JSON.parse('{"__proto__":1}') as object

/** What is refused, with the path that the message names. */
const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ['undefined', undefined, 'cart is undefined'],
  ['a function', () => 1, 'cart is a function'],
  ['a symbol', Symbol('x'), 'cart is a symbol'],
  ['a bigint', 10n, 'cart is a bigint'],
  ['NaN', Number.NaN, 'cart is NaN'],
  ['Infinity', [Number.POSITIVE_INFINITY], 'cart[0] is Infinity'],
  ['-Infinity', { a: Number.NEGATIVE_INFINITY }, 'cart.a is -Infinity'],
  ['-0', { a: [0, -0] }, 'cart.a[1] is -0'],
  ['an undefined member', { a: 1, b: undefined }, 'cart.b is undefined'],
  ['an undefined element', [undefined], 'cart[0] is undefined'],
  ['a Date', { at: new Date(0) }, 'cart.at is an instance of Date'],
  ['a Map', new Map(), 'cart is an instance of Map'],
  ['a Set', [new Set()], 'cart[0] is an instance of Set'],
  ['a RegExp', /x/, 'cart is an instance of RegExp'],
  ['an Error', new TypeError('x'), 'cart is an instance of TypeError'],
  ['a Buffer', Buffer.from('x'), 'cart is an instance of Buffer'],
  ['a class instance', { p: new Point() }, 'cart.p is an instance of Point'],
  ['a boxed string', Object('x'), 'cart is an instance of String'],
  ['a boxed number', Object(1), 'cart is an instance of Number'],
  ['a promise', Promise.resolve(1), 'cart is an instance of Promise'],
  [
    'a promise with a symbol, which Node gives it under an AsyncLocalStorage',
    Object.assign(Promise.resolve(1), { [Symbol('async id')]: 1 }),
    'cart is an instance of Promise',
  ],
  ['an iterator', [][Symbol.iterator](), 'cart is an instance of '],
  ['a subclass of Array', new (class List extends Array<unknown> {})(), 'cart is an instance of a class'],
  ['an array whose prototype is an object', Object.setPrototypeOf([1], {}), 'cart is an instance of a class'],
  [
    'an array whose prototype is an array of no realm',
    Object.setPrototypeOf([1], Object.setPrototypeOf([], null)),
    'cart is an instance of a class',
  ],
  [
    'an object whose prototype has none',
    Object.create(Object.create(null)),
    'cart is an instance of a class',
  ],
  [
    'an object whose prototype only looks like that of all',
    Object.create({ isPrototypeOf: 1 }),
    'cart is an instance of Object',
  ],
  ['an instance of a class without a name', new (class {})(), 'cart is an instance of a class'],
  [
    'a Date that hides what made it',
    Object.assign(new Date(0), { constructor: { name: 'hunter2' } }),
    'cart is an instance of a class',
  ],
  ['an object with toJSON', { toJSON: () => 1 }, 'cart.toJSON is a function'],
  ['an array with holes', sparse, 'cart is an array with holes'],
  ['an array with a key', tagged, 'cart is an array with holes, or with keys of its own'],
  ['an array with a hole and a key', holeAndTag, 'cart'],
  ['a symbol key', { a: { [Symbol('x')]: 1 } }, 'cart.a has a symbol as a key'],
  ['a symbol key of an array', Object.assign([], { [Symbol('x')]: 1 }), 'cart has a symbol as a key'],
  ['a key that is not enumerable', hidden, 'cart has a key that is not enumerable'],
  [
    'a setter alone',
    Object.defineProperty({}, 'x', { set: () => undefined, enumerable: true }),
    'cart.x is undefined',
  ],
  ['a cycle', cycle, 'cart.self refers to an object that it is part of'],
  ['a cycle through an array', (() => [cycle])(), 'cart[0].self refers to an object that it is part of'],
  ['the key __proto__', { a: [PROTO] }, 'cart.a[0] has the key "__proto__"'],
  ['U+0000', { a: 'x\0y' }, 'cart.a holds U+0000 or a lone surrogate'],
  ['a lone high surrogate', ['\ud800'], 'cart[0] holds U+0000 or a lone surrogate'],
  ['a lone low surrogate', 'a\udc00b', 'cart holds U+0000 or a lone surrogate'],
  ['U+0000 in a key', { a: { 'x\0': 1 } }, 'cart.a has a key with U+0000 or a lone surrogate'],
  ['a lone surrogate in a key', { '\udfff': 1 }, 'cart has a key with U+0000 or a lone surrogate'],
  ['101 levels', nested(101), ' is nested more than 100 levels deep'],
  ['100,000 levels', nested(100_000), ' is nested more than 100 levels deep'],
]

/** What is taken, and comes back as it was. */
const TAKEN: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['true', true],
  ['the empty string', ''],
  ['zero', 0],
  ['the smallest number', Number.MIN_VALUE],
  ['the largest number', -Number.MAX_VALUE],
  ['a number beyond 2^53', 2 ** 70],
  ['an empty array', []],
  ['an empty object', {}],
  ['an array of null', [null]],
  ['a pair of surrogates', '\u{1f600}'],
  ['U+2028 and a quote', '\u2028"\\'],
  ['U+FFFF', '\uffff'],
  ['a key that an object has', { constructor: 1, toString: 2, hasOwnProperty: 3 }],
  ['an empty key', { '': 1 }],
  ['100 levels', nested(100)],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
  ['an object of another realm', runInNewContext('({ a: [1, {}] })')],
]

describe('toJsonText', () => {
  it.each(REFUSED)('refuses %s with its path (rule 13)', (_name, value, message) => {
    const write = () => toJsonText(value, 'cart')
    expect(write).toThrow(ValueError)
    expect(write).toThrow(message)
  })

  it.each(TAKEN)('takes %s and gives it back', (_name, value) => {
    expect(JSON.parse(toJsonText(value, 'cart'))).toEqual(value)
  })

  it('takes one object in two places, which is no cycle', () => {
    const shared = { n: 1 }
    expect(toJsonText([shared, { shared }, shared], 'cart')).toBe('[{"n":1},{"shared":{"n":1}},{"n":1}]')
  })

  it('reads each part once, so that a getter answers the check and the copy alike', () => {
    let reads = 0
    const value = {
      get n() {
        reads += 1
        return reads === 1 ? 1 : 10n
      },
    }
    expect(toJsonText(value, 'cart')).toBe('{"n":1}')
    expect(reads).toBe(1)
  })

  it('keeps a long path short in the message', () => {
    const value = { ['k'.repeat(5000)]: 10n }
    expect(() => toJsonText(value, 'cart')).toThrow(/^cart\.k{95}…k{99} is a bigint/)
    const whole = { ['k'.repeat(195)]: 10n }
    expect(() => toJsonText(whole, 'cart')).toThrow(/^cart\.k{195} is a bigint/)
  })

  it('never puts a value into the message', () => {
    for (const [, value] of REFUSED) {
      const secret = ['hunter2', value]
      try {
        toJsonText(secret, 'cart')
      } catch (error) {
        expect(String(error)).not.toContain('hunter2')
      }
    }
    expect(() => toJsonText(['hunter2\0'], 'cart')).not.toThrow('hunter2')
  })
})

describe('checkKey', () => {
  it.each([
    [1, 'must be a string, not a number'],
    [undefined, 'must be a string, not undefined'],
    [null, 'must be a string, not null'],
    [Symbol('x'), 'must be a string, not a symbol'],
    [['x'], 'must be a string, not an instance of Array'],
    ['__proto__', 'cannot be "__proto__"'],
    ['a\0', 'holds U+0000 or a lone surrogate'],
    ['\ud800', 'holds U+0000 or a lone surrogate'],
  ])('refuses %o: it %s', (key, problem) => {
    expect(() => checkKey(key)).toThrow(ValueError)
    expect(() => checkKey(key)).toThrow(`a key of the session's values ${problem}`)
  })

  it.each(['', 'constructor', 'cart', 'ключ', '\u{1f600}'])('takes %o', (key) => {
    expect(() => checkKey(key)).not.toThrow()
  })
})

describe('isStorableText', () => {
  it('refuses U+0000 and lone surrogates anywhere, and nothing else', () => {
    for (const text of ['\0', 'a\0b', '\ud83d', '\ude00', '\ude00\ud83d', 'x\ud83d']) {
      expect(isStorableText(text), JSON.stringify(text)).toBe(false)
    }
    for (const text of ['', '\u0001', '\ud83d\ude00', '\ufffd', '\ue000', '\ud7ff']) {
      expect(isStorableText(text), JSON.stringify(text)).toBe(true)
    }
  })
})

describe('checkStorable', () => {
  it('refuses texts of which one cannot be stored', () => {
    expect(() => checkStorable('a', undefined, '')).not.toThrow()
    expect(() => checkStorable()).not.toThrow()
    expect(() => checkStorable('a', undefined, 'b\0')).toThrow('a text holds U+0000 or a lone surrogate')
    expect(() => checkStorable('\ud800', 'a')).toThrow(TypeError)
  })
})
