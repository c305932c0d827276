import { setTimeout as sleep } from 'node:timers/promises'
import { Browser } from '../http/browser.ts'
import type { Application } from './application.ts'

const PAUSE_MS = 20

/** Somebody who signs in on two devices and is then signed out everywhere, again and again, under new names. */
export class Revocations {
  /** Calls that were answered. */
  acknowledged = 0
  /** Calls that failed. */
  refused = 0
  readonly #application: Application
  /** What the devices had in their jars when the end of it was acknowledged. */
  readonly #ended: string[] = []
  readonly #working: Promise<void>
  #isOver = false

  constructor(application: Application) {
    this.#application = application
    this.#working = this.#work()
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#working
  }

  /** Ends it. @returns on how many devices somebody is signed in although a revocation was acknowledged. */
  async countCameBack(): Promise<number> {
    await this.end()
    const browser = new Browser(this.#application.port)
    let cameBack = 0
    for (const cookie of this.#ended) {
      const answer = await browser.send('/', { cookie })
      if (answer.status !== 200) throw new Error(`a device was answered ${answer.status}`)
      const { userId } = answer.json() as { userId?: string } // written by the application under test
      if (userId !== undefined) cameBack += 1
    }
    browser.close()
    return cameBack
  }

  async #work(): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const userId = `revoked${n}`
      const devices = [new Browser(this.#application.port), new Browser(this.#application.port)]
      const answers = await Promise.all(devices.map((it) => it.ask(`/sign-in?to=${userId}`)))
      if (answers.every(({ status }) => status === 200)) await this.#revoke(userId, devices)
      for (const device of devices) device.close()
      await sleep(PAUSE_MS)
    }
  }

  async #revoke(userId: string, devices: readonly Browser[]): Promise<void> {
    try {
      await this.#application.manager.revokeAll(userId)
    } catch {
      this.refused += 1
      return
    }
    this.acknowledged += 1
    this.#ended.push(...devices.map(({ cookie }) => cookie))
  }
}
