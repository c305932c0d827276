import {
  type Exchange,
  generateKey,
  getSession,
  type Key,
  type Session,
  type SessionEvent,
  type SessionInfo,
  SessionManager,
  type SessionManagerOptions,
  type Store,
  withSession,
} from 'coatcheck'

interface Cart {
  items: string[]
}

declare const store: Store
declare const exchange: Exchange
declare const other: Session<{ draft: number }>

// an environment variable may be missing: the constructor says so, not the compiler
const manager = new SessionManager({ store, authKey: process.env.SESSION_KEY })
const typed = new SessionManager<Cart>({ store, authKey: [generateKey(), new Uint8Array(32)] })

// every optional member takes undefined, which is the default
const options: SessionManagerOptions = {
  store,
  authKey: undefined,
  encryptionKey: undefined,
  cookie: {
    name: undefined,
    path: undefined,
    domain: undefined,
    secure: undefined,
    httpOnly: undefined,
    sameSite: undefined,
    partitioned: undefined,
    persistent: undefined,
    unsafe: undefined,
  },
  idleTimeout: undefined,
  absoluteTimeout: undefined,
  touchInterval: undefined,
  cleanupInterval: undefined,
  maxValuesBytes: undefined,
  storeTimeout: undefined,
  clock: undefined,
  onEvent: undefined,
}
new SessionManager({ ...options, cookie: undefined })
const keys: readonly Key[] = ['a', new Uint8Array(32)]
new SessionManager({ store, authKey: keys, onEvent: async (event) => void event.at, clock: () => 0 })
// @ts-expect-error authKey may hold undefined, and has to be there
new SessionManager({ store })
// @ts-expect-error no such option
new SessionManager({ store, authKey: 'k', maxAge: 1 })
// @ts-expect-error one of three
new SessionManager({ store, authKey: 'k', cookie: { sameSite: 'Lax' } })

export async function use(): Promise<unknown> {
  const session: Session<Cart> = await typed.start(exchange)
  const due: boolean = typed.needsRefresh(session)
  await typed.refresh(exchange, session)
  await typed.destroy(exchange, session)
  // @ts-expect-error a session of other values
  await typed.refresh(exchange, other)

  // the session of a manager has its values; any session has some
  const own: Session<Cart> | undefined = getSession(typed)
  const some: Session | undefined = getSession()
  // @ts-expect-error the manager says which values
  const wrong: Session<{ other: number }> | undefined = getSession(typed)
  const result: number = withSession(session, () => 1)

  const listed: SessionInfo[] = await manager.listSessions('ada')
  await manager.listSessions('ada', { limit: 20, after: listed.at(-1) })
  await manager.listSessions('ada', { after: { id: '', lastSeenAt: new Date(0) } })
  // @ts-expect-error a page goes on behind an entry, not behind its id alone
  await manager.listSessions('ada', { after: { id: '' } })
  const found: SessionInfo | undefined = await manager.find('id')
  const touched: boolean = await manager.touch('id')
  const revoked: boolean = await manager.revoke('ada', 'id')
  const count: number = await manager.revokeAll('ada', { except: undefined })
  const cleaned: number = await manager.cleanup()
  const held: Store = manager.store
  await manager.close()
  await manager[Symbol.asyncDispose]()
  return [due, own, some, wrong, result, listed, found, touched, revoked, count, cleaned, held]
}

// events narrow by type, and are all there is
export function tell(event: SessionEvent): string {
  // @ts-expect-error not every event has one
  event.id.length
  switch (event.type) {
    case 'created':
    case 'loaded':
    case 'destroyed':
      return `${event.id} ${event.userId ?? 'nobody'}`
    case 'rejected':
      return `${event.reason} ${event.id ?? ''}`
    case 'renewed':
    case 'saved':
    case 'touched':
      return event.id
    case 'signed-in':
    case 'signed-out':
    case 'revoked':
      return event.userId.toUpperCase()
    case 'cleaned':
      return event.count.toFixed()
    case 'lost':
      return event.reason
    case 'store-failed':
      return event.operation
    case 'clock-skew':
      return event.seconds.toFixed()
  }
}
