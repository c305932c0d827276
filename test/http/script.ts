import type { Session, SignInOptions } from 'coatcheck'
import type { Answer, CaseRequest, Handler, Values } from './http-case.ts'

/** What one request does with its session, in order. */
export type Step =
  | readonly ['set', key: string, value: unknown]
  | readonly ['delete', key: string]
  | readonly ['clear']
  | readonly ['update', key: string]
  | readonly ['renew']
  | readonly ['signIn', userId: string, options?: SignInOptions]
  | readonly ['signOut']
  | readonly ['destroy']
  /** Waits until the test resumes it by this name. */
  | readonly ['pause', name: string]
  /** Fails, with this status if there is one. */
  | readonly ['throw', status?: number]
  | readonly ['status', status: number]
  | readonly ['header', name: string, value: string]
  | readonly ['body', text: string]
  /** Streams these, waits for the pause `head`, then changes the session. */
  | readonly ['stream', chunks: readonly string[]]
  /** Turns to the session of another mounted manager, 0 for the first. */
  | readonly ['session', index: number]

/** What the scripted handler tells of a session. */
export interface View {
  readonly id: string
  readonly userId: string | undefined
  readonly isNew: boolean
  readonly values: Values
}

/** @returns the path that makes the scripted handler do this. */
export function path(...steps: readonly Step[]): string {
  return `/?steps=${encodeURIComponent(JSON.stringify(steps))}`
}

interface Gate {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

/** Requests that wait inside their handler, by name. */
export class Pauses {
  readonly #reached = new Map<string, () => void>()
  readonly #gates = new Map<string, Gate>()

  /** @returns when a request has come to this pause. */
  reached(name: string): Promise<void> {
    return new Promise((resolve) => this.#reached.set(name, resolve))
  }

  /** Lets the request go on. */
  resume(name: string): void {
    this.#gate(name).resolve()
  }

  /** Called by the handler. */
  async wait(name: string): Promise<void> {
    this.#reached.get(name)?.()
    await this.#gate(name).promise
  }

  #gate(name: string): Gate {
    const known = this.#gates.get(name)
    if (known !== undefined) return known
    let resolve = (): void => {}
    const promise = new Promise<void>((resume) => (resolve = resume))
    const gate = { promise, resolve: () => resolve() }
    this.#gates.set(name, gate)
    return gate
  }
}

/** Body of an answer that was not replaced by a failure's. */
export const HANDLED = 'handled'

/** Makes the application of the cases: it does what the path says, and tells of its session. */
export function scripted(pauses: Pauses): Handler {
  return async function handle(request: CaseRequest): Promise<Answer> {
    const query = new URL(request.url, 'http://localhost').searchParams.get('steps')
    const steps = JSON.parse(query ?? '[]') as Step[]
    const answer = {
      status: 200,
      body: undefined as Answer['body'] | undefined,
      headers: [] as [string, string][],
    }
    let session = mustFind(request, 0)
    for (const step of steps) {
      if (step[0] === 'session') session = mustFind(request, step[1])
      else if (step[0] === 'pause') await pauses.wait(step[1])
      else if (step[0] === 'throw')
        throw Object.assign(new Error('the handler failed'), { status: step[1] ?? 500 })
      else if (step[0] === 'status') answer.status = step[1]
      else if (step[0] === 'header') answer.headers.push([step[1], step[2]])
      else if (step[0] === 'body') answer.body = step[1]
      else if (step[0] === 'stream') answer.body = streamThenChange(step[1], session, pauses)
      else await change(session, step)
    }
    return { ...answer, body: answer.body ?? JSON.stringify({ [HANDLED]: view(session) }) }
  }
}

function mustFind({ sessions }: CaseRequest, index: number): Session<Values> {
  const session = sessions[index]
  if (session === undefined) throw new Error(`no session ${index}`)
  return session
}

function view(session: Session<Values>): View {
  const { id, userId, isNew } = session
  return { id, userId, isNew, values: session.values() }
}

type Change = Exclude<
  Step,
  readonly ['session' | 'pause' | 'throw' | 'status' | 'header' | 'body' | 'stream', ...unknown[]]
>

async function change(session: Session<Values>, step: Change): Promise<void> {
  switch (step[0]) {
    case 'set':
      session.set(step[1], step[2])
      return
    case 'delete':
      session.delete(step[1])
      return
    case 'clear':
      session.clear()
      return
    case 'update':
      await session.update(step[1], (old) => (typeof old === 'number' ? old + 1 : 1))
      return
    case 'renew':
      session.renew()
      return
    case 'signIn':
      session.setUserId(step[1], step[2])
      return
    case 'signOut':
      session.setUserId(undefined)
      return
    case 'destroy':
      session.destroy()
  }
}

/** Once the head has gone, a change is an error: the stream tells its code. */
async function* streamThenChange(
  chunks: readonly string[],
  session: Session<Values>,
  pauses: Pauses,
): AsyncGenerator<string> {
  for (const chunk of chunks) yield chunk
  await pauses.wait('head')
  try {
    session.set('late', true)
    yield 'changed'
  } catch (error) {
    yield String((error as { code?: unknown }).code) // what a session throws has a code
  }
}
