import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { Browser } from '../http/browser.ts'
import type { Counts } from './counts.ts'
import { Lateness } from './lateness.ts'
import { type Asked, type KnownSession, Person } from './person.ts'

/** Between two requests of one person; longer after a refusal, or a dead database would be most of the load. */
const PAUSE_MS = 4
const PAUSE_AFTER_REFUSAL_MS = 40

/** How long the tests wait for what has to come. */
const PATIENCE_MS = 60_000

/** People who use an application all at once. */
export class Load {
  readonly #people: readonly Person[]
  /** Asks for what has no session. */
  readonly #visitor: Browser
  readonly #working: Promise<unknown>
  readonly #waits = new Set<() => void>()
  readonly #strange: string[] = []
  #isOver = false
  #requests = 0
  #answered = 0
  #refused = 0
  #plain = 0
  #slowest = 0
  #slowestByItself = 0
  readonly #lateness = new Lateness()

  constructor(port: number, { people = 40 }: { readonly people?: number } = {}) {
    this.#people = Array.from({ length: people }, (_, at) => new Person(port, `user${at}`))
    this.#visitor = new Browser(port)
    this.#working = Promise.all([this.#visit(), ...this.#people.map((person) => this.#use(person))])
  }

  /** Sessions whose sign-out or renewal was answered 503 at some time. */
  get unsureEnds(): ReadonlySet<string> {
    return new Set(this.#people.flatMap(({ unsureEnds }) => [...unsureEnds]))
  }

  /** Waits for that many more requests that are answered 200. */
  answered(count: number): Promise<void> {
    const enough = this.#answered + count
    return this.#until(() => this.#answered >= enough)
  }

  /** Waits for that many more requests that are answered 503. */
  refused(count: number): Promise<void> {
    const enough = this.#refused + count
    return this.#until(() => this.#refused >= enough)
  }

  /** Waits for that many more requests without session: the rest of the server goes on. */
  plainAnswered(count: number): Promise<void> {
    const enough = this.#plain + count
    return this.#until(() => this.#plain >= enough)
  }

  /** Ends the load, once what is under way has been answered. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.#working
    this.#lateness.end()
    for (const person of this.#people) person.leave()
    this.#visitor.close()
  }

  /** Ends the load. @returns its counts, with what is kept of it, in the table or by what `kept` reads. */
  async stop(kept: pg.Pool | (() => Promise<readonly Row[]>)): Promise<Counts> {
    await this.end()
    const rows = typeof kept === 'function' ? await kept() : await readTable(kept)
    const { lost, half } = compare(this.#people, rows)
    return {
      requests: this.#requests,
      answered: this.#answered,
      refused: this.#refused,
      strange: this.#strange,
      plain: this.#plain,
      lost,
      half,
      slowest: this.#slowest,
      slowestByItself: this.#slowestByItself,
    }
  }

  async #use(person: Person): Promise<void> {
    while (!this.#isOver) {
      const measured = this.#lateness.measure()
      const asked = await person.next()
      this.#slowestByItself = Math.max(this.#slowestByItself, measured())
      this.#note(asked)
      await sleep(asked.answer?.status === 200 ? PAUSE_MS : PAUSE_AFTER_REFUSAL_MS)
    }
  }

  async #visit(): Promise<void> {
    while (!this.#isOver) {
      const answer = await this.#visitor.ask('/plain').catch(() => undefined)
      if (answer?.status === 200) this.#plain += 1
      else this.#strange.push(`/plain: ${answer?.status ?? 'no answer'}`)
      this.#check()
      await sleep(PAUSE_MS)
    }
  }

  #note({ path, answer, milliseconds }: Asked): void {
    this.#requests += 1
    this.#slowest = Math.max(this.#slowest, milliseconds)
    if (answer?.status === 200) this.#answered += 1
    else if (answer?.status === 503) this.#refused += 1
    else this.#strange.push(`${path}: ${answer?.status ?? 'no answer'} ${answer?.body ?? ''}`)
    this.#check()
  }

  #check(): void {
    for (const check of this.#waits) check()
  }

  #until(isEnough: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        this.#waits.delete(check)
        settle()
      }
      const check = () => {
        if (isEnough()) end(resolve)
      }
      const giveUp = () => reject(new Error(`not answered as expected within ${PATIENCE_MS} ms`))
      const timer = setTimeout(() => end(giveUp), PATIENCE_MS)
      this.#waits.add(check)
    })
  }
}

/** A record as it is kept. */
export interface Row {
  readonly id: string
  readonly user_id: string
  readonly values: Readonly<Record<string, unknown>>
}

async function readTable(db: pg.Pool): Promise<readonly Row[]> {
  return (await db.query<Row>('select id, user_id, values from sessions')).rows
}

/** Sets what was acknowledged against what is kept. */
function compare(people: readonly Person[], rows: readonly Row[]): Pick<Counts, 'lost' | 'half'> {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const sessions = people.flatMap((it) => it.sessions)
  const unsureNames = new Set(people.flatMap((it) => it.unsureNames))
  const lost = people.flatMap(({ surprises }) => surprises)
  const half: string[] = []
  for (const session of sessions) lost.push(...lostOf(session, byId.get(session.id)))
  for (const row of rows) half.push(...halfOf(row))
  for (const { user_id, values } of rows) {
    // a sign-in that was answered 503 and took effect: the user and the value came in one commit
    if (unsureNames.has(user_id) && values.name !== user_id) half.push(`sign-in of ${user_id}`)
  }
  return { lost, half }
}

function lostOf(session: KnownSession, row: Row | undefined): string[] {
  const { id, userId, written, counted, unsureCounts, isEnded } = session
  if (isEnded === 'yes') return row === undefined ? [] : [`${id}: the sign-out`]
  if (row === undefined) return isEnded === 'unsure' ? [] : [`${id}: the session`]
  const lost = row.user_id === userId && row.values.name === userId ? [] : [`${id}: the user`]
  for (const step of written) if (row.values[`a${step}`] !== 1) lost.push(`${id}: write ${step}`)
  const count = Number(row.values.count ?? 0)
  if (count < counted || count > counted + unsureCounts)
    lost.push(`${id}: counted ${count}, of ${counted} and perhaps ${unsureCounts} more`)
  return lost
}

/** Every write sets two keys. */
function halfOf({ id, values }: Row): string[] {
  const steps = (letter: string) =>
    Object.keys(values).flatMap((key) => (key.startsWith(letter) && /^.\d+$/.test(key) ? [key.slice(1)] : []))
  const [a, b] = [new Set(steps('a')), new Set(steps('b'))]
  const lonely = [...a].filter((step) => !b.has(step)).concat([...b].filter((step) => !a.has(step)))
  return lonely.map((step) => `${id}: write ${step}`)
}
