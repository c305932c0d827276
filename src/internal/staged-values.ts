import { ValueError } from '../errors.ts'
import type { JsonText } from '../store.ts'
import { checkKey, toJsonText } from './json.ts'
import { readJson } from './read-json.ts'

/** What a commit does to a record's values, in this order: clear, delete, set. */
export interface ValueChanges {
  readonly clear: boolean
  readonly delete: ReadonlySet<string>
  readonly set: ReadonlyMap<string, JsonText>
}

/** A value as it was when it was handed out, to find out later whether it was changed in place. */
interface Snapshot {
  readonly value: object
  readonly text: JsonText
  /** Whether `text` is the exact form; false where another writer stored what `set()` would refuse. */
  readonly exact: boolean
}

/**
 * The values of one session during one request: what is stored, and over it what this request staged.
 * Stored text is parsed when a value is first read.
 */
export class StagedValues {
  readonly #storedText: JsonText | undefined
  #stored: Record<string, unknown> | undefined
  /** Set keys with their value; `undefined` stands for a removal. */
  readonly #staged = new Map<string, { readonly text: JsonText; value: unknown } | undefined>()
  readonly #handedOut = new Map<string, Snapshot>()
  #cleared = false

  constructor(stored: JsonText | undefined) {
    this.#storedText = stored
  }

  has(key: string): boolean {
    if (this.#staged.has(key)) return this.#staged.get(key) !== undefined
    return !this.#cleared && Object.hasOwn(this.#read(), key)
  }

  /** Reads a value and, if it is an object, watches it for changes in place. */
  get(key: string): unknown {
    const value = this.#peek(key)
    if (typeof value === 'object' && value !== null && !this.#handedOut.has(key)) {
      this.#handedOut.set(key, { value, ...describe(value, key) })
    }
    return value
  }

  keys(): string[] {
    const stored = this.#cleared ? [] : Object.keys(this.#read())
    return [...new Set([...stored, ...this.#staged.keys()])].filter((key) => this.has(key))
  }

  set(key: string, value: unknown): void {
    checkKey(key)
    const text = toJsonText(value, key)
    this.#handedOut.delete(key)
    this.#staged.set(key, { text, value: readJson(text) })
  }

  delete(key: string): void {
    checkKey(key)
    this.#handedOut.delete(key)
    this.#staged.set(key, undefined)
  }

  take(key: string): unknown {
    if (!this.has(key)) return undefined
    const value = this.#peek(key)
    this.delete(key)
    return value
  }

  clear(): void {
    this.#cleared = true
    this.#staged.clear()
    this.#handedOut.clear()
  }

  /** Takes over what `update()` has committed for one key, which `checkKey` has let through. */
  adopt(key: string, text: JsonText | undefined): void {
    this.#handedOut.delete(key)
    const stored = this.#read()
    if (text === undefined) delete stored[key]
    else stored[key] = readJson(text)
  }

  /** The value as it stands, as text. @throws {@link ValueError} it was changed in place to what JSON cannot hold. */
  textOf(key: string): JsonText | undefined {
    const snapshot = this.#handedOut.get(key)
    const isUntouched = snapshot === undefined || !isChanged(snapshot, key)
    return isUntouched ? JSON.stringify(this.#peek(key)) : toJsonText(snapshot.value, key)
  }

  /** Whether this request has itself decided the value of this key. */
  isStaged(key: string): boolean {
    const snapshot = this.#handedOut.get(key)
    return this.#cleared || this.#staged.has(key) || (snapshot !== undefined && isChanged(snapshot, key))
  }

  /** Whether a commit would write any value. Never throws. */
  get isChanged(): boolean {
    if (this.#cleared || this.#staged.size > 0) return true
    for (const [key, snapshot] of this.#handedOut) if (isChanged(snapshot, key)) return true
    return false
  }

  /** What a commit does. @throws {@link ValueError} a value was changed in place to what JSON cannot hold. */
  changes(): ValueChanges {
    const removed = new Set<string>()
    const set = new Map<string, JsonText>()
    for (const [key, entry] of this.#staged) {
      if (entry === undefined) removed.add(key)
      else set.set(key, entry.text)
    }
    for (const [key, snapshot] of this.#handedOut) {
      if (isChanged(snapshot, key)) set.set(key, toJsonText(snapshot.value, key))
    }
    return { clear: this.#cleared, delete: removed, set }
  }

  /** Forgets what is stored, so that only what this request set remains: its record is no more. */
  detach(): void {
    const { set } = this.changes()
    this.clear()
    for (const [key, text] of set) this.#staged.set(key, { text, value: readJson(text) })
  }

  #peek(key: string): unknown {
    if (this.#staged.has(key)) return this.#staged.get(key)?.value
    const stored = this.#read()
    return !this.#cleared && Object.hasOwn(stored, key) ? stored[key] : undefined
  }

  #read(): Record<string, unknown> {
    this.#stored ??= this.#storedText === undefined ? {} : parse(this.#storedText)
    return this.#stored
  }
}

/** One value of a record, as text. */
export function valueTextIn(values: JsonText, key: string): JsonText | undefined {
  const stored = parse(values)
  return Object.hasOwn(stored, key) ? JSON.stringify(stored[key]) : undefined
}

function parse(text: JsonText): Record<string, unknown> {
  const value = tryReading(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ValueError("the session's stored values are not a JSON object")
  }
  return value as Record<string, unknown> // just checked; its members stay unknown
}

function tryReading(text: JsonText): unknown {
  try {
    return readJson(text)
  } catch {
    return undefined
  }
}

function describe(value: object, key: string): { text: JsonText; exact: boolean } {
  try {
    return { text: toJsonText(value, key), exact: true }
  } catch {
    return { text: JSON.stringify(value), exact: false }
  }
}

function isChanged({ value, text, exact }: Snapshot, key: string): boolean {
  try {
    return (exact ? toJsonText(value, key) : JSON.stringify(value)) !== text
  } catch {
    return true
  }
}
