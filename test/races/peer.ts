import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

/** What a program under test offers to the test that started it: functions by name. */
export type Served = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>

interface Question {
  readonly number: number
  readonly name: string
  readonly args: readonly unknown[]
}

interface Reply {
  readonly number: number
  readonly value?: unknown
  readonly error?: { readonly message: string; readonly code: unknown; readonly cause: string }
}

/** Called by the program: answers what its test asks for, until the test goes. */
export function serve(served: Served): void {
  process.on('message', (question: Question) => void answer(served, question))
  process.once('disconnect', () => process.exit())
  process.send?.('ready')
}

async function answer(served: Served, { number, name, args }: Question): Promise<void> {
  const reply = await run(served, name, args)
  // The test may have gone meanwhile.
  if (process.connected) process.send?.({ ...reply, number } satisfies Reply)
}

async function run(served: Served, name: string, args: readonly unknown[]): Promise<Omit<Reply, 'number'>> {
  try {
    return { value: await served[name]?.(...(args as never[])) } // the test asks with what the function takes
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    const code = 'code' in error ? error.code : undefined
    return { error: { message: error.message, code, cause: String(error.cause ?? '') } }
  }
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** A program in a process of its own, started by a test. */
export class Peer {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #lastNumber = 0

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (reply: Reply) => this.#settle(reply))
    child.once('exit', (code) => this.#fail(new Error(`a program of the test ended by itself (${code})`)))
  }

  /** @param program File name, in this folder. */
  static async start(program: string, ...args: readonly string[]): Promise<Peer> {
    const child = fork(path.join(import.meta.dirname, program), args, {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced', // maps and sets, too
    })
    const [first] = await Promise.race([once(child, 'message'), once(child, 'exit')])
    if (first !== 'ready') throw new Error(`${program} did not start (${first})`)
    return new Peer(child)
  }

  /** Calls a function that the program serves. */
  ask(name: string, ...args: readonly unknown[]): Promise<unknown> {
    this.#lastNumber += 1
    const question: Question = { number: this.#lastNumber, name, args }
    return new Promise((resolve, reject) => {
      this.#waiting.set(question.number, { resolve, reject })
      this.#child.send(question, (error) => {
        if (error !== null) this.#fail(error)
      })
    })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    await exited
  }

  #settle({ number, value, error }: Reply): void {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    if (error === undefined) waiting?.resolve(value)
    else {
      const { message, code, cause } = error
      waiting?.reject(Object.assign(new Error(`${message}: ${cause}`), { code }))
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
