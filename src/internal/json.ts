import { ValueError } from '../errors.ts'
import type { JsonText } from '../store.ts'

/** Deepest nesting of arrays and objects in a value; PGlite hangs at some thousands. */
const MAX_LEVELS = 100

// PostgreSQL's jsonb refuses U+0000 (SQLSTATE 22P05) and lone surrogates (22P02). With the u flag a
// surrogate that is half of a pair is not matched.
const UNSTORABLE = /[\0\p{Surrogate}]/u

/** Whether a text can be stored and read back as it is, by every store. */
export function isStorableText(text: string): boolean {
  return !UNSTORABLE.test(text)
}

/**
 * Refuses texts that would not come back as they are: on its way to a server a lone surrogate becomes U+FFFD, and two
 * user ids one.
 */
export function checkStorable(...texts: readonly (string | undefined)[]): void {
  if (!texts.every((text) => text === undefined || isStorableText(text)))
    throw new TypeError('a text holds U+0000 or a lone surrogate')
}

/**
 * Writes a value as JSON from which exactly the same value can be read, or refuses it.
 *
 * The value is read once, part by part, so that a getter cannot answer the check and the copy differently.
 *
 * @param path What to call the value in a message: its key.
 * @throws {@link ValueError} with the path of the part that JSON cannot hold.
 */
export function toJsonText(value: unknown, path: string): JsonText {
  return write(value, path, [])
}

/** Writes values as one JSON object. */
export function toObjectText(values: ReadonlyMap<string, JsonText>): JsonText {
  return `{${[...values].map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
}

/** Writes a value that was read from JSON, so that neither the order of keys nor the spelling of numbers shows. */
export function toCanonicalText(value: unknown): JsonText {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part !== 'object' || part === null || Array.isArray(part)
      ? part
      : Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))),
  )
}

/** Checks a key of the session's values. @throws {@link ValueError} it is no text that every store can keep. */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string')
    throw new ValueError(`a key of the session's values must be a string, not ${kindOf(key)}`)
  if (key === '__proto__') throw new ValueError('a key of the session\'s values cannot be "__proto__"')
  if (!isStorableText(key))
    throw new ValueError("a key of the session's values holds U+0000 or a lone surrogate")
}

function write(value: unknown, path: string, parents: object[]): JsonText {
  switch (typeof value) {
    case 'string':
      if (!isStorableText(value)) throw refusal(path, 'holds U+0000 or a lone surrogate')
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw refusal(path, `is ${value}`)
      if (Object.is(value, -0)) throw refusal(path, 'is -0')
      return String(value)
    case 'boolean':
      return String(value)
    case 'object':
      return value === null ? 'null' : writeParts(value, path, parents)
    case 'undefined':
    case 'bigint':
    case 'symbol':
    case 'function':
      throw refusal(path, `is ${kindOf(value)}`)
  }
}

function writeParts(value: object, path: string, parents: object[]): JsonText {
  if (parents.includes(value)) throw refusal(path, 'refers to an object that it is part of')
  if (parents.length === MAX_LEVELS)
    throw new ValueError(`${shorten(path)} is nested more than ${MAX_LEVELS} levels deep`)
  parents.push(value)
  const text = Array.isArray(value) ? writeArray(value, path, parents) : writeObject(value, path, parents)
  parents.pop()
  return text
}

function writeArray(value: readonly unknown[], path: string, parents: object[]): JsonText {
  if (!isPlainArray(value)) throw refusal(path, 'is an instance of a class')
  refuseSymbols(value, path)
  // One name for each element, and "length".
  if (Object.getOwnPropertyNames(value).length !== value.length + 1) {
    throw refusal(path, 'is an array with holes, or with keys of its own')
  }
  const parts: string[] = []
  for (let i = 0; i < value.length; i++) parts.push(write(value[i], `${path}[${i}]`, parents))
  return `[${parts.join(',')}]`
}

function writeObject(value: object, path: string, parents: object[]): JsonText {
  if (!isPlainObject(value)) throw refusal(path, `is ${kindOf(value)}`)
  refuseSymbols(value, path)
  const entries = Object.entries(value)
  if (Object.getOwnPropertyNames(value).length !== entries.length)
    throw refusal(path, 'has a key that is not enumerable')
  const parts = entries.map(([key, part]) => {
    if (key === '__proto__') throw refusal(path, 'has the key "__proto__"')
    if (!isStorableText(key)) throw refusal(path, 'has a key with U+0000 or a lone surrogate')
    return `${JSON.stringify(key)}:${write(part, `${path}.${key}`, parents)}`
  })
  return `{${parts.join(',')}}`
}

// Asked after what made it: under an AsyncLocalStorage Node 22 and older give each promise symbols.
function refuseSymbols(value: object, path: string): void {
  if (Object.getOwnPropertySymbols(value).length > 0) throw refusal(path, 'has a symbol as a key')
}

// Test runners and vm contexts have an Object.prototype of their own, so identity is not asked for.
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || isRootPrototype(prototype)
}

function isPlainArray(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(prototype) && isRootPrototype(Object.getPrototypeOf(prototype))
}

function isRootPrototype(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return value === undefined ? 'undefined' : `a ${typeof value}`
  const made: unknown = value.constructor
  return typeof made === 'function' && made.name !== ''
    ? `an instance of ${made.name}`
    : 'an instance of a class'
}

function refusal(path: string, problem: string): ValueError {
  return new ValueError(`${shorten(path)} ${problem}, which JSON cannot hold exactly`)
}

function shorten(path: string): string {
  return path.length <= 200 ? path : `${path.slice(0, 100)}…${path.slice(-99)}`
}
