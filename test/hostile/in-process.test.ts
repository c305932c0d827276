import { inspect } from 'node:util'
import { ConflictError, type Session, StoreError, ValueError } from 'coatcheck'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scale } from '../servers/scale.ts'
import { FakeExchange } from '../unit/manager/fake-exchange.ts'
import { COOKIE, hostileCookie, hostileText, hostileUserAgent, type Seeds } from './mutations.ts'
import { newSeed, type Random, randomFrom } from './random.ts'
import { listenToProcess } from './silence.ts'
import { type Protection, Target } from './target.ts'

const MUTATED = 10_000 * scale
const GENERATED = 5_000 * scale

/** One request as far as a manager sees it. */
interface Hostile {
  readonly cookie: string
  readonly userAgent: string
  readonly text: string
  readonly deed: Deed
}

type Deed = 'read' | 'set' | 'sign in' | 'renew' | 'destroy'

const DEEDS = ['read', 'read', 'read', 'read', 'set', 'sign in', 'renew', 'destroy'] as const

function isStorable(text: string): boolean {
  return !/[\0\p{Surrogate}]/u.test(text)
}

function act(session: Session, { deed, text }: Hostile): void {
  if (deed === 'set') {
    try {
      session.set('text', text)
      if (!isStorable(text) || session.get('text') !== text) throw new Error('a value was altered')
    } catch (error) {
      if (!(error instanceof ValueError) || isStorable(text)) throw error
    }
  } else if (deed === 'sign in') session.setUserId('ada')
  else if (deed === 'renew') session.renew()
  else if (deed === 'destroy') session.destroy()
}

/** Sends one request and looks at what came of it. */
async function attack(target: Target, request: Hostile): Promise<void> {
  const { store, manager } = target
  const genuine = target.idsIn(request.cookie)
  // What a genuine token is used for is its owner's affair: the sessions have to live on here.
  const deed = genuine.length > 0 ? 'read' : request.deed
  store.calls = 0
  store.reads.clear()
  const exchange = new FakeExchange({ cookie: request.cookie, 'user-agent': request.userAgent })
  exchange.address = request.text
  const session = await manager.start(exchange)
  if (session.isNew !== (session.userId === undefined)) target.blame('a new session has a user')
  for (const id of store.reads.keys()) if (!genuine.includes(id)) target.blame(`${id} was read`)
  act(session, { ...request, deed })
  await manager.refresh(exchange, session)
  const mayWrite = deed === 'set' || deed === 'sign in'
  if (genuine.length === 0 && store.calls > (mayWrite ? 1 : 0))
    target.blame(`${deed} made ${store.calls} calls`)
  if (!mayWrite && deed !== 'destroy' && exchange.cookies.length > 0) target.blame(`${deed} set a cookie`)
}

function mutatedRequest(seeds: Seeds, random: Random): Hostile {
  return {
    cookie: hostileCookie(seeds, random).toString('latin1'),
    userAgent: hostileUserAgent(random).toString('latin1'),
    text: hostileText(random),
    deed: random.of(DEEDS),
  }
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 60 }),
)

function generatedRequest({ live, foreign }: Seeds): fc.Arbitrary<Hostile> {
  const token = fc
    .record({ token: fc.constantFrom(...live, ...foreign), at: fc.nat(131), by: anyText, cut: fc.nat(3) })
    .map(({ token, at, by, cut }) => token.slice(0, at) + by + token.slice(at + cut))
  const value = fc.oneof(anyText, token, fc.constantFrom('', '=', '"', ';', ',', ...live, ...foreign))
  const name = fc.constantFrom(COOKIE, `${COOKIE} `, ` ${COOKIE}`, COOKIE.toUpperCase(), '', `x${COOKIE}`)
  const pair = fc.tuple(name, value).map(([left, right]) => `${left}=${right}`)
  return fc.record({
    cookie: fc.array(fc.oneof(pair, value), { maxLength: 9 }).map((pairs) => pairs.join('; ')),
    userAgent: anyText,
    text: anyText,
    deed: fc.constantFrom(...DEEDS),
  })
}

describe.each<Protection>(['signed', 'encrypted'])(
  'hostile requests in process, where tokens are %s',
  (kind) => {
    async function aTarget() {
      const target = new Target(kind)
      const seeds = await target.seed()
      return { target, seeds, said: listenToProcess() }
    }

    async function seesNoHarm(target: Target, { live }: Seeds, said: readonly unknown[]): Promise<void> {
      expect(target.problems).toEqual([])
      expect(said).toEqual([])
      expect(target.events).toBeGreaterThan(MUTATED / 10)
      for (const token of live) {
        const session = await target.manager.start(new FakeExchange({ cookie: `${COOKIE}=${token}` }))
        expect(session.userId).toBe('ada')
      }
    }

    it(`of ${MUTATED} that were made from real ones, none is an error, is read for, or is told of (R-034, R-084, R-163)`, async () => {
      const { target, seeds, said } = await aTarget()
      const seed = newSeed()
      const random = randomFrom(seed)
      for (let number = 0; number < MUTATED; number++) {
        const request = mutatedRequest(seeds, random)
        await attack(target, request).catch((error: unknown) => {
          throw new Error(`HOSTILE_SEED=${seed}, request ${number}: ${JSON.stringify(request)}`, {
            cause: error,
          })
        })
      }
      await seesNoHarm(target, seeds, said)
    })

    it(`of ${GENERATED} that fast-check made, none is an error, is read for, or is told of (R-034, R-084, R-163)`, async () => {
      const { target, seeds, said } = await aTarget()
      const property = fc.asyncProperty(generatedRequest(seeds), async (request) => {
        await attack(target, request)
        expect(target.problems).toEqual([])
      })
      await fc.assert(property, { numRuns: GENERATED })
      target.events += MUTATED // fast-check may send nothing but nonsense
      await seesNoHarm(target, seeds, said)
    })

    it('errors of a store that fails on genuine tokens, shown whole, spell no secret (R-025, R-084)', async () => {
      const { target, seeds } = await aTarget()
      const shown: unknown[] = []
      target.store.get = () => Promise.reject(new Error('down'))
      for (const token of seeds.live) {
        const exchange = new FakeExchange({ cookie: `${COOKIE}=${token}` })
        const error: unknown = await target.manager.start(exchange).catch((reason: unknown) => reason)
        expect(error).toBeInstanceOf(StoreError)
        shown.push(error, JSON.stringify(error), String(error), (error as Error).stack)
      }
      shown.push(new ConflictError('x'), target.manager)
      const text = shown.map((part) => inspect(part, { depth: 12, showHidden: true })).join('\n')
      const secrets = target.secrets()
      expect(secrets.length).toBeGreaterThan(100)
      for (const secret of secrets) expect(text.includes(secret)).toBe(false)
    })
  },
)
