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
  return toStore(await Peer.start('store-program.ts', 'postgres', url))
}

/** Starts a process with a store over a Redis Cluster. @param library The name of its client. @param ports Some nodes. */
export async function startClusterStore(
  library: string,
  ports: readonly number[],
  prefix: string,
): Promise<RemoteStore> {
  return toStore(await Peer.start('store-program.ts', 'cluster', library, prefix, ...ports.map(String)))
}

function toStore(peer: Peer): RemoteStore {
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
