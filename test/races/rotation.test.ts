import { EventEmitter, once } from 'node:events'
import { type FakeBrowser, fakeBrowser } from 'coatcheck/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest'
import { createDatabase } from '../servers/postgres.ts'
import { scale } from '../servers/scale.ts'
import { type RemoteServer, type ServerOptions, startServers } from './remote-server.ts'

const ROTATIONS = scale > 1 ? 1000 : 8
const USERS = 6

const keyOf = (number: number) => `key number ${number} of the rotation, and long enough`

/** People who use both servers in turn, and now and then get a new token, until they are told to stop. */
class Traffic {
  readonly #servers: readonly [RemoteServer, RemoteServer]
  readonly #answered = new EventEmitter()
  readonly #counts = Array.from({ length: USERS }, () => ({ answers: 0, renewals: 0 }))
  #anonymous = 0
  #isOver = false
  #running: readonly Promise<void>[] = []

  constructor(servers: readonly [RemoteServer, RemoteServer]) {
    this.#servers = servers
  }

  async start(): Promise<void> {
    const browsers = this.#counts.map(() => fakeBrowser())
    const [first] = this.#servers
    await Promise.all(browsers.map((browser, n) => first.visit(browser, ['signIn', `user${n}`])))
    this.#running = browsers.map((browser, n) => this.#use(browser, n))
  }

  /** Waits until each of them has had two answers more, so that the second request was made after this call. */
  async untilAnswered(what: 'answers' | 'renewals'): Promise<void> {
    const before = this.#counts.map((count) => count[what])
    const isDone = () => this.#counts.every((count, n) => count[what] >= (before[n] ?? 0) + 2)
    while (!isDone()) await once(this.#answered, 'answer')
  }

  async stop(): Promise<{ readonly answers: number; readonly anonymous: number }> {
    this.#isOver = true
    await Promise.all(this.#running)
    const answers = this.#counts.reduce((sum, count) => sum + count.answers, 0)
    return { answers, anonymous: this.#anonymous }
  }

  async #use(browser: FakeBrowser, n: number): Promise<void> {
    const count = this.#counts[n]
    if (count === undefined) throw new Error(`no user ${n}`)
    for (let turn = n; !this.#isOver; turn += 1) {
      const server = this.#servers[turn % 2 === 0 ? 0 : 1]
      const isRenewal = turn % 3 === 0
      const answer = isRenewal ? await server.visit(browser, ['renew']) : await server.visit(browser)
      count.answers += 1
      if (isRenewal) count.renewals += 1
      if (answer.outcome !== 'answered' || answer.userId !== `user${n}`) this.#anonymous += 1
      this.#answered.emit('answer')
    }
  }
}

/** Which keys are rotated. */
const KINDS: Readonly<Record<string, (keys: readonly string[]) => ServerOptions>> = {
  authKey: (keys) => ({ authKey: keys }),
  encryptionKey: (keys) => ({ authKey: ['a key that stays while the others rotate'], encryptionKey: keys }),
}

describe.each(Object.entries(KINDS))(
  'rotation of %s across two processes, in the middle of traffic',
  {
    timeout: 60_000 * scale,
  },
  (name, toOptions) => {
    const optionsOf = (...numbers: readonly number[]) => toOptions(numbers.map(keyOf))
    let servers: readonly [RemoteServer, RemoteServer]

    beforeAll(async () => {
      servers = await startServers(await createDatabase(inject('postgres')[18]), optionsOf(0))
    })

    afterAll(async () => {
      await Promise.all(servers.map((server) => server.stop()))
    })

    beforeEach(async () => {
      await Promise.all(servers.map((server) => server.configure(optionsOf(0))))
      await Promise.all(servers.map((server) => server.takeEvents()))
    })

    /** Gives one server after the other these keys, each while everybody goes on. */
    async function deploy(traffic: Traffic, ...numbers: readonly number[]): Promise<void> {
      for (const server of servers) {
        await server.configure(optionsOf(...numbers))
        await traffic.untilAnswered('answers')
      }
    }

    it('logs nobody out: append the new key everywhere, move it to the front, drop the old one when its tokens are gone (rule 11)', async () => {
      const traffic = new Traffic(servers)
      await traffic.start()
      for (let number = 1; number <= ROTATIONS; number += 1) {
        await deploy(traffic, number - 1, number)
        await deploy(traffic, number, number - 1)
        await traffic.untilAnswered('renewals')
        await deploy(traffic, number)
      }
      const { answers, anonymous } = await traffic.stop()
      const events = (await Promise.all(servers.map((server) => server.takeEvents()))).flat()
      expect(events.filter(({ type }) => type === 'rejected')).toEqual([])
      expect(anonymous).toBe(0)
      expect(answers).toBeGreaterThan(ROTATIONS * USERS * 12)
      console.log(
        `${ROTATIONS} rotations of ${name}: 0 of ${answers} answers anonymous; ${USERS} users, two processes`,
      )
    })

    it('would be noticed if it logged anybody out: a key moved to the front that is not everywhere yet', async () => {
      const traffic = new Traffic(servers)
      await traffic.start()
      await servers[0].configure(optionsOf(1, 0))
      await traffic.untilAnswered('renewals')
      expect((await traffic.stop()).anonymous).toBeGreaterThan(0)
    })
  },
)

it('turning encryption on, on one server in the middle of traffic, logs nobody out: signed tokens are still read', async () => {
  const url = await createDatabase(inject('postgres')[18])
  const authKey = [keyOf(0)]
  const servers = await startServers(url, { authKey })
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.stop()))))
  const [server] = servers
  const traffic = new Traffic([server, server])
  await traffic.start()
  await traffic.untilAnswered('answers')
  await server.configure({ authKey, encryptionKey: [keyOf(1)] })
  await traffic.untilAnswered('renewals')
  const { answers, anonymous } = await traffic.stop()
  expect(anonymous).toBe(0)
  console.log(`0 of ${answers} answers anonymous while encryption was turned on; ${USERS} users`)
})
