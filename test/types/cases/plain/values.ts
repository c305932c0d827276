import { type Session, SessionManager, type Store } from 'coatcheck'

interface Cart {
  items: { name: string; count: number }[]
  note?: string
  discount: number | undefined
}

interface Broken {
  at: Date
  byName: Map<string, number>
  big: bigint
  run: () => void
  deep: { readonly list: { at: Date }[] }
}

declare const store: Store
declare const anything: Session
declare const cart: Session<Cart>
declare const broken: Session<Broken>

// any key, of unknown type, where nothing is declared
const unknown: unknown = anything.get('whatever')
anything.set('whatever', unknown).set('other', { a: [1, null, 'x'] })
// @ts-expect-error what it holds is not known
const text: string = anything.get('whatever')

// declared keys only
const items: { name: string; count: number }[] | undefined = cart.get('items')
cart
  .set('items', [{ name: 'hat', count: 1 }])
  .delete('note')
  .clear()
const taken: string | undefined = cart.take('note')
const all: Readonly<Partial<Cart>> = cart.values()
// @ts-expect-error no such key
cart.get('itmes')
// @ts-expect-error no such key
cart.set('itmes', [])
// @ts-expect-error no such key
cart.has('itmes')
// @ts-expect-error no such key
cart.delete('itmes')
// @ts-expect-error not its type
cart.set('items', 'hat')
// @ts-expect-error `delete` is how a value goes
cart.set('note', undefined)
// @ts-expect-error `delete` is how a value goes
cart.set('discount', undefined)
cart.set('discount', 5)
// @ts-expect-error values() is a copy to read
all.note = 'x'

// what JSON cannot hold
// @ts-expect-error a Date
broken.set('at', new Date())
// @ts-expect-error a Map
broken.set('byName', new Map())
// @ts-expect-error a bigint
broken.set('big', 1n)
// @ts-expect-error a function
broken.set('run', () => {})
// @ts-expect-error a Date, further in
broken.set('deep', { list: [{ at: new Date() }] })

// update() takes a value to its next, or to none
const updated: Promise<number | undefined> = cart.update('discount', (old) => (old ?? 0) + 1)
void cart.update('note', () => undefined)
void cart.update('note', (old: string | undefined) => `${old ?? ''}!`)
// @ts-expect-error not its type
void cart.update('discount', () => 'much')
// @ts-expect-error not asynchronous
void cart.update('discount', async () => 1)

// one session is every session
const plain: Session = cart
const back: Session<Cart> = new SessionManager<Cart>({ store, authKey: 'k'.repeat(32) }) && cart
cart.setUserId('ada', { persistent: true, idleTimeout: undefined }).renew().destroy()
// @ts-expect-error no such option
cart.setUserId('ada', { remember: true })
// @ts-expect-error the id is read
cart.id = 'other'
// @ts-expect-error express-session's idiom
cart.items = []

export { back, items, plain, taken, text, updated }
