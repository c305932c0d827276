import assert from 'node:assert/strict'
import { readJson } from '../internal/read-json.ts'
import type { EpochMs, JsonText, SaveResult, SessionChange, SessionRecord, Store } from '../store.ts'

/** Compares values as JSON, because a store may order keys and space the text as it likes; all else exactly. */
export function assertSameRecord(actual: SessionRecord | undefined, expected: SessionRecord): void {
  assert.ok(actual !== undefined, 'the record is not there')
  assert.deepEqual(withParsedValues(actual), withParsedValues(expected))
}

/** Asserts that the store answers with `expected` at `now`. */
export async function assertHolds(store: Store, expected: SessionRecord, now: EpochMs): Promise<void> {
  assertSameRecord(await store.get(expected.id, now), expected)
}

/** Saves a change that must succeed. @returns the record that the store reports, which is the one it holds. */
export async function saved(
  store: Store,
  id: string,
  change: SessionChange,
  now: EpochMs,
): Promise<SessionRecord> {
  const result = await store.save(id, change, now)
  assert.equal(result.outcome, 'saved')
  const record = toSavedRecord(result)
  await assertHolds(store, record, now)
  return record
}

/** Values as the application sees them. */
export function parsed(values: JsonText): Record<string, unknown> {
  return readJson(values) as Record<string, unknown> // one JSON object, by the contract of `values`
}

/** The values that the store holds, as the application sees them; `undefined`: there is no live record. */
export async function valuesOf(store: Store, id: string, now: EpochMs): Promise<unknown> {
  const record = await store.get(id, now)
  return record === undefined ? undefined : parsed(record.values)
}

/** Asserts that nothing of a change was written, and what became of it. */
export async function assertRefused(
  store: Store,
  record: SessionRecord,
  change: SessionChange,
  outcome: Exclude<SaveResult['outcome'], 'saved'>,
  now: EpochMs,
): Promise<void> {
  assert.deepEqual(await store.save(record.id, change, now), { outcome })
  await assertHolds(store, record, now)
}

function toSavedRecord(result: SaveResult): SessionRecord {
  assert.ok(result.outcome === 'saved')
  return result.record
}

function withParsedValues(record: SessionRecord): object {
  return { ...record, values: parsed(record.values) }
}
