import type { JsonText, SessionListing, SessionRecord } from '../store.ts'
import { toCanonicalText } from './json.ts'
import { readJson } from './read-json.ts'

// A record is one hash. Its fields:
//   f       facts, in this order, with a space between: secret hash, version, last seen, end, renewed, created,
//           signed in, idle timeout, absolute end, persistence (1 or 0). A minus stands for what is not there.
//           One field, because a field costs about a hundred bytes beyond what it holds. A number is digits: what
//           others may have put there (Infinity, 1e21, a minus before it) would never end.
//   u a g   user id, address and user agent, where there are any
//   "key"   a value, as JSON text, under its key, as JSON text: a quote tells it from the fields above
const ABSENT = '-'
const NUMBER = String.raw`(\d{1,15}(?:\.\d+)?)`
const FACTS = new RegExp(
  `^(\\S+)${` ${NUMBER}`.repeat(5)} (?:${ABSENT}|${NUMBER})${` ${NUMBER}`.repeat(2)} ([01])$`,
)

/** The fields of a listing. */
export const LISTING_FIELDS = ['f', 'u', 'a', 'g'] as const

/** Writes the facts of a record. */
export function toFacts(record: SessionRecord): string {
  return [
    toSecret(record.secretHash),
    record.version,
    record.lastSeenAt,
    record.expiresAt,
    record.renewedAt,
    record.createdAt,
    record.signedInAt ?? ABSENT,
    record.idleTimeout,
    record.absoluteEnd,
    toFlag(record.persistent),
  ].join(' ')
}

/** Writes the other fields of a record, each before what it holds. */
export function toPairs(record: SessionRecord): string[] {
  const { userId, address, userAgent } = record
  const values = Object.entries(readJson(record.values) as object) // one JSON object, by the contract of `values`
  return [
    ...(userId === '' ? [] : ['u', userId]),
    ...(address === undefined ? [] : ['a', address]),
    ...(userAgent === undefined ? [] : ['g', userAgent]),
    ...values.flatMap(([key, value]) => [toField(key), toCanonicalText(value)]),
  ]
}

/** The field of a value. */
export function toField(key: string): string {
  return JSON.stringify(key)
}

/** A value as it is stored: one spelling for equal values, so that a script can compare them. */
export function toStoredValue(text: JsonText): JsonText {
  return toCanonicalText(readJson(text))
}

/** A secret hash in the facts. */
export function toSecret(secretHash: string): string {
  return secretHash === '' ? ABSENT : secretHash
}

/** A truth in the facts. */
export function toFlag(flag: boolean): string {
  return flag ? '1' : '0'
}

/**
 * Reads a record from the reply to HGETALL: a list, or with RESP3 an object or a Map.
 *
 * @returns `undefined`: the key holds nothing, or nothing of ours.
 */
export function toRecord(id: string, reply: unknown): SessionRecord | undefined {
  const pairs = toPairsOfReply(reply)
  let facts: Facts | undefined
  let userId = ''
  let address: string | undefined
  let userAgent: string | undefined
  let values = ''
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const [field, held] = [String(pairs[i]), String(pairs[i + 1])]
    if (field.startsWith('"')) values += `${values === '' ? '' : ','}${field}:${held}`
    else if (field === 'f') facts = readFacts(held)
    else if (field === 'u') userId = held
    else if (field === 'a') address = held
    else if (field === 'g') userAgent = held
  }
  return facts && { id, userId, values: `{${values}}`, address, userAgent, ...facts }
}

/** Reads a listing from what {@link LISTING_FIELDS} hold. @returns `undefined`: as {@link toRecord}. */
export function toListing(id: string, held: unknown): SessionListing | undefined {
  if (!Array.isArray(held)) return undefined
  const isThere = (text: unknown) => text !== null
  const record = toRecord(
    id,
    LISTING_FIELDS.flatMap((field, i) => (isThere(held[i]) ? [field, held[i]] : [])),
  )
  if (record === undefined) return undefined
  const { secretHash, values, ...listing } = record
  return listing
}

type Facts = Omit<SessionRecord, 'id' | 'userId' | 'values' | 'address' | 'userAgent'>

function readFacts(text: string): Facts | undefined {
  const facts = FACTS.exec(text)
  if (facts === null) return undefined
  const at = (place: number) => Number(facts[place])
  return {
    secretHash: facts[1] === ABSENT ? '' : String(facts[1]),
    version: at(2),
    lastSeenAt: at(3),
    expiresAt: at(4),
    renewedAt: at(5),
    createdAt: at(6),
    signedInAt: facts[7] === undefined ? undefined : at(7),
    idleTimeout: at(8),
    absoluteEnd: at(9),
    persistent: at(10) === 1,
  }
}

function toPairsOfReply(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply
  if (reply instanceof Map) return [...reply].flat()
  // Without a prototype from node-redis 5, where it speaks RESP3.
  return typeof reply === 'object' && reply !== null ? Object.entries(reply).flat() : []
}
