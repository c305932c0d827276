import type {
  EpochMs,
  ListPage,
  SaveResult,
  SessionChange,
  SessionListing,
  SessionRecord,
  Store,
  Touch,
} from 'coatcheck'
import { MemoryStore } from 'coatcheck/stores/memory'

/** A method of a store that does I/O. */
export type Operation = Exclude<keyof Store, 'close'>

/** The operations that write. */
const WRITES: ReadonlySet<Operation> = new Set([
  'create',
  'save',
  'touch',
  'delete',
  'deleteByUser',
  'cleanup',
])

/** A MemoryStore that writes down each call, and can be told to wait or to fail before it. */
export class RecordingStore implements Store {
  /** Every call since the last `forget()`, in order. */
  calls: Operation[] = []
  /** What to do before a call; what it throws or rejects with is the call's answer. */
  before: (operation: Operation, id: string | undefined) => void | Promise<void> = () => undefined
  readonly #inner = new MemoryStore()

  /** The calls that write. */
  get writes(): Operation[] {
    return this.calls.filter((operation) => WRITES.has(operation))
  }

  forget(): void {
    this.calls = []
  }

  /** The record as it stands, unseen by `calls`. */
  peek(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    return this.#inner.get(id, now)
  }

  /** Puts a record there, unseen by `calls`. */
  plant(record: SessionRecord): Promise<boolean> {
    return this.#inner.create(record, record.createdAt)
  }

  /** Ends a record, unseen by `calls`. */
  drop(id: string): Promise<boolean> {
    return this.#inner.delete(id)
  }

  /** Changes a record, unseen by `calls`: what another process does. */
  change(id: string, change: SessionChange, now: EpochMs): Promise<SaveResult> {
    return this.#inner.save(id, change, now)
  }

  create(record: SessionRecord, now: EpochMs): Promise<boolean> {
    return this.#tell('create', record.id, () => this.#inner.create(record, now))
  }

  get(id: string, now: EpochMs): Promise<SessionRecord | undefined> {
    return this.#tell('get', id, () => this.#inner.get(id, now))
  }

  save(id: string, change: SessionChange, now: EpochMs): Promise<SaveResult> {
    return this.#tell('save', id, () => this.#inner.save(id, change, now))
  }

  touch(id: string, to: Touch, now: EpochMs): Promise<boolean> {
    return this.#tell('touch', id, () => this.#inner.touch(id, to, now))
  }

  delete(id: string, only?: { readonly userId: string }): Promise<boolean> {
    return this.#tell('delete', id, () => this.#inner.delete(id, only))
  }

  listByUser(userId: string, now: EpochMs, page?: ListPage): Promise<readonly SessionListing[]> {
    return this.#tell('listByUser', undefined, () => this.#inner.listByUser(userId, now, page))
  }

  deleteByUser(
    userId: string,
    options?: { readonly except?: string | undefined },
  ): Promise<readonly string[]> {
    return this.#tell('deleteByUser', undefined, () => this.#inner.deleteByUser(userId, options))
  }

  cleanup(now: EpochMs, limit: number): Promise<number> {
    return this.#tell('cleanup', undefined, () => this.#inner.cleanup(now, limit))
  }

  async #tell<T>(operation: Operation, id: string | undefined, run: () => Promise<T>): Promise<T> {
    this.calls.push(operation)
    await this.before(operation, id)
    return run()
  }
}
