import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Redis } from 'ioredis'
import { findProgram, programs } from '../../scripts/ensure-debian.ts'
import { findFreePort, startServer, stopServer } from './server-process.ts'

/** Which program serves: Redis 7.0, or Valkey 8.0. */
export type RedisProgram = 'redis' | 'valkey'

/** One process, and what may befall it. */
export interface RedisNode {
  readonly port: number
  /** False while it is killed or frozen. */
  readonly isRunning: boolean
  /** Sends one command over a connection of its own. @returns its reply, as under RESP2. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** Ends the process as a crash would: nothing is saved, and no connection is closed in order. */
  kill(): Promise<void>
  /** Starts it again after {@link kill}, on the same port and in the same folder. */
  start(): Promise<void>
  /** Stops it from running: its connections stay open, and nothing is answered. */
  freeze(): void
  /** Lets it run on. */
  thaw(): void
}

/** What a node is started with. */
export interface NodeOptions {
  readonly program: RedisProgram
  /** Lines of redis.conf, such as `appendonly: 'yes'`. */
  readonly settings: Readonly<Record<string, string>>
  /** Lines of sentinel.conf. With them the process is a Sentinel. */
  readonly sentinel?: readonly string[] | undefined
  /** Holds the folder of each node. */
  readonly folder: string
}

/** Starts a node on a free port of 127.0.0.1. */
export async function startNode(options: NodeOptions): Promise<RedisNode> {
  const port = await findFreePort()
  const folder = path.join(options.folder, `${port}`)
  const file = path.join(folder, 'node.conf')
  await mkdir(folder)
  await writeFile(file, toConfiguration(port, options))
  const command = [findProgram(programs[options.program]), file]
  if (options.sentinel !== undefined) command.push('--sentinel')
  const node = new ServerNode(port, command, folder)
  await node.start()
  return node
}

const BASE = {
  bind: '127.0.0.1',
  save: '""',
  'repl-diskless-sync-delay': '0', // else a replica waits five seconds for others before its first copy
  'repl-ping-replica-period': '1', // a Cluster names a replica to clients only when it has heard from its primary
}

function toConfiguration(port: number, { settings, sentinel }: NodeOptions): string {
  const own = sentinel === undefined ? { ...BASE, ...settings } : { bind: BASE.bind, ...settings }
  const lines = Object.entries({ port, ...own }).map(([name, value]) => `${name} ${value}`)
  return `${[...lines, ...(sentinel ?? [])].join('\n')}\n`
}

class ServerNode implements RedisNode {
  readonly port: number
  readonly #command: readonly string[]
  readonly #folder: string
  #child: ChildProcess | undefined
  #pid = 0
  #isRunning = false

  get isRunning(): boolean {
    return this.#isRunning
  }

  constructor(port: number, command: readonly string[], folder: string) {
    this.port = port
    this.#command = command
    this.#folder = folder
  }

  async start(): Promise<void> {
    this.#child = await startServer({
      command: this.#command,
      owner: {},
      folder: this.#folder,
      stopSignal: 'KILL', // it ends a frozen process too, and nothing has to be kept
      isReady: () => this.#isReady(),
    })
    const info = String(await this.command('info', 'server'))
    this.#pid = Number(/^process_id:(\d+)/m.exec(info)?.[1])
    this.#isRunning = true
  }

  // A process that is loading its data answers with an error.
  async #isReady(): Promise<boolean> {
    const reply = await this.command('ping').catch(() => undefined)
    return reply === 'PONG'
  }

  async command(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const client = new Redis(this.port, '127.0.0.1', {
      protocol: 2,
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
      connectTimeout: 2000,
      commandTimeout: 10_000,
    })
    client.on('error', () => {}) // the promises below reject with it too
    try {
      await client.connect()
      return await client.call(name, ...args)
    } finally {
      client.disconnect()
    }
  }

  async kill(): Promise<void> {
    this.#isRunning = false
    if (this.#child !== undefined) await stopServer(this.#child)
  }

  freeze(): void {
    this.#isRunning = false
    process.kill(this.#pid, 'SIGSTOP')
  }

  thaw(): void {
    process.kill(this.#pid, 'SIGCONT')
    this.#isRunning = true
  }
}
