import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'

/** A statement that waits at the proxy. */
export interface Held {
  /** When it has come. */
  readonly reached: Promise<void>
  /** Lets it go to the database. */
  release(): void
  /** Whether it ran, or its client went away before. */
  readonly outcome: Promise<'run' | 'dropped'>
}

/** PostgreSQL over HTTP, as hosted databases offer it to Workers: a statement is posted, its rows come back as JSON. */
export interface SqlProxy {
  readonly url: string
  /** Runs a statement. */
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
  /** Holds the next statement that contains this word. */
  hold(word: string): Held
  close(): Promise<void>
}

interface Waiting {
  readonly word: string
  readonly come: () => void
  readonly gate: Promise<void>
  readonly settle: (outcome: 'run' | 'dropped') => void
}

export async function startSqlProxy(connectionString: string): Promise<SqlProxy> {
  const pool = new pg.Pool({ connectionString })
  let waiting: Waiting | undefined

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { text, values } = JSON.parse(body) as { text: string; values: unknown[] } // as the Workers post it
    const held = waiting !== undefined && text.includes(waiting.word) ? waiting : undefined
    if (held !== undefined) {
      waiting = undefined
      held.come()
      const gone = once(response, 'close').then(() => held.settle('dropped'))
      await Promise.race([held.gate, gone])
      if (response.destroyed) return
    }
    try {
      const { rows } = await pool.query(text, values)
      response.end(JSON.stringify({ rows }))
      held?.settle('run')
    } catch (error) {
      const { code, message } = error as { code?: string; message: string } // of pg
      response.writeHead(500).end(JSON.stringify({ code, message }))
    }
  }

  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, // listening on TCP
    query: (text, values) => pool.query<Record<string, unknown>>(text, values),
    hold(word) {
      let [come, release] = [() => {}, () => {}]
      let settle: Waiting['settle'] = () => {}
      const reached = new Promise<void>((resolve) => (come = resolve))
      const gate = new Promise<void>((resolve) => (release = resolve))
      const outcome = new Promise<'run' | 'dropped'>((resolve) => (settle = resolve))
      waiting = { word, come: () => come(), gate, settle: (how) => settle(how) }
      return { reached, release: () => release(), outcome }
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await pool.end()
    },
  }
}
