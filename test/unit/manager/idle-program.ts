/** A program that starts a manager with one request, and then has nothing more to do. */
import { generateKey, SessionManager } from '../../../src/index.ts'
import { MemoryStore } from '../../../src/stores/memory.ts'
import { FakeExchange } from './fake-exchange.ts'

const manager = new SessionManager({ store: new MemoryStore(), authKey: generateKey() })
await manager.start(new FakeExchange())
console.log('started')
