import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../http/browser.ts'
import { scale } from '../servers/scale.ts'
import { print } from './counts.ts'
import { useProxiedPostgres } from './proxied-postgres.ts'

const CONNECTIONS = 1500
const SESSIONS = 100
/** How often each connection asks while the database is silent. */
const TIMES = 5 * scale
/** Seconds. */
const STORE_TIMEOUT = 1
/** Bytes that the heap may grow after the second time, whenever. Less than 2 KiB for each connection. */
const GROWTH = 2_500_000

describe('a flood over HTTP while the database is away', () => {
  const database = useProxiedPostgres()

  it(
    'is answered 503 in time, however many ask, takes no more memory the longer it lasts, and is over when it is back',
    async () => {
      const { url, network } = database()
      const program = await startProgram(url)
      const cookies = await signIn(program.port)
      const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
      onTestFinished(() => agent.destroy())
      const askAll = () =>
        Promise.all(
          Array.from({ length: CONNECTIONS }, (_, at) => ask(agent, program.port, cookies[at % SESSIONS])),
        )
      network.goSilent()
      const heaps: number[] = []
      let slowest = 0
      for (let times = 0; times < TIMES; times++) {
        const answers = await askAll()
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
        slowest = Math.max(slowest, ...answers.map(({ milliseconds }) => milliseconds))
        heaps.push(await program.heapUsed())
      }
      network.comeBack()
      let later = 0
      for (let refused = CONNECTIONS; refused > 0; later += refused)
        refused = (await askAll()).filter(({ status }) => status !== 200).length
      print('flood over HTTP', [
        `${CONNECTIONS} connections`,
        `${TIMES * CONNECTIONS} requests answered 503`,
        `slowest ${Math.round(slowest)} ms`,
        `heap ${heaps.map((bytes) => (bytes / 1e6).toFixed(1)).join(' ')} MB`,
        `${later} refused after it was back`,
      ])
      expect(slowest).toBeLessThan(STORE_TIMEOUT * 1000 + 8000)
      expect(Math.max(...heaps.slice(2)) - (heaps[1] ?? 0)).toBeLessThan(GROWTH)
    },
    120_000 * scale,
  )
})

async function signIn(port: number): Promise<readonly string[]> {
  const browsers = Array.from({ length: SESSIONS }, () => new Browser(port))
  // Until it is: who has no session needs no database, and a busy machine may be refused here.
  const signInAt = async (browser: Browser, at: number): Promise<void> => {
    while ((await browser.ask(`/sign-in?to=user${at}`)).status !== 200);
  }
  await Promise.all(browsers.map(signInAt))
  for (const browser of browsers) browser.close()
  return browsers.map(({ cookie }) => cookie)
}

async function ask(agent: Agent, port: number, cookie = '') {
  const began = performance.now()
  const asked = request({ agent, port, host: '127.0.0.1', headers: { cookie } }).end()
  const [response] = await once(asked, 'response')
  response.resume()
  await once(response, 'end')
  return { status: Number(response.statusCode), milliseconds: performance.now() - began }
}

async function startProgram(url: string) {
  const program = path.join(import.meta.dirname, 'flooded-program.ts')
  const execArgv = ['--expose-gc', '--import', 'tsx']
  const child: ChildProcess = fork(program, [url, String(STORE_TIMEOUT)], { execArgv })
  onTestFinished(() => child.disconnect())
  const [port] = await once(child, 'message')
  return {
    port: Number(port),
    async heapUsed(): Promise<number> {
      child.send('heap')
      const [bytes] = await once(child, 'message')
      return Number(bytes)
    },
  }
}
