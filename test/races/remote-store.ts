import type { SaveResult, SessionListing, SessionRecord, Store } from 'coatcheck'
import { Peer } from './peer.ts'

/** A store in a process of its own, as a store. */
export interface RemoteStore extends Store {
  migrate(): Promise<void>
  /** Ends the process. */
  stop(): Promise<void>
}

/** Starts a process with a store over the database at `url`. */
export async function startStore(url: string): Promise<RemoteStore> {
  const peer = await Peer.start('store-program.ts', url)
  // The program answers with what its store answers.
  return {
    create: async (...args) => (await peer.ask('create', ...args)) as boolean,
    get: async (...args) => (await peer.ask('get', ...args)) as SessionRecord | undefined,
    save: async (...args) => (await peer.ask('save', ...args)) as SaveResult,
    touch: async (...args) => (await peer.ask('touch', ...args)) as boolean,
    delete: async (...args) => (await peer.ask('delete', ...args)) as boolean,
    listByUser: async (...args) => (await peer.ask('listByUser', ...args)) as readonly SessionListing[],
    deleteByUser: async (...args) => (await peer.ask('deleteByUser', ...args)) as readonly string[],
    cleanup: async (...args) => (await peer.ask('cleanup', ...args)) as number,
    serverTime: async () => (await peer.ask('serverTime')) as number,
    migrate: async () => void (await peer.ask('migrate')),
    stop: () => peer.stop(),
  }
}
