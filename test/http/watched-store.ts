import { type Store, StoreError } from 'coatcheck'

/** A method of the store that does I/O. */
export type StoreMethod = Exclude<keyof Store, 'close' | 'serverTime'>

/** A store whose calls are counted and can be made to fail. */
export interface WatchedStore extends Store {
  /** Calls since the start or the last `forget()`. */
  readonly calls: Record<StoreMethod, number>
  /** Methods that reject until they are taken out again. */
  readonly failing: Set<StoreMethod>
  /** What every call waits for first. */
  gate: Promise<void> | undefined
  /** Begins to count anew. */
  forget(): void
  /** The calls that change something. */
  writes(): number
}

const METHODS = ['create', 'get', 'save', 'touch', 'delete', 'listByUser', 'deleteByUser', 'cleanup'] as const

const none = (): Record<StoreMethod, number> => ({
  create: 0,
  get: 0,
  save: 0,
  touch: 0,
  delete: 0,
  listByUser: 0,
  deleteByUser: 0,
  cleanup: 0,
})

/** What a driver says when it fails: nothing of it may reach a client. */
export const DRIVER_MESSAGE = 'relation "sessions" does not exist at 10.0.0.7'

/** Watches a store. */
export function watchedStore(inner: Store): WatchedStore {
  const calls = none()
  const failing = new Set<StoreMethod>()
  const watched: Record<string, unknown> = {
    calls,
    failing,
    gate: undefined,
    forget: () => Object.assign(calls, none()),
    writes: () => calls.create + calls.save + calls.touch + calls.delete + calls.deleteByUser,
  }
  for (const method of METHODS) {
    watched[method] = async (...args: unknown[]): Promise<unknown> => {
      calls[method]++
      await (watched as { gate: Promise<void> | undefined }).gate // of the literal above
      if (failing.has(method)) throw new StoreError(method, new Error(DRIVER_MESSAGE))
      return Reflect.apply(inner[method], inner, args) as unknown
    }
  }
  return watched as unknown as WatchedStore // every method of the list above is there
}
