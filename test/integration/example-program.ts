import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A program of `examples/` that runs. */
export interface ExampleProgram {
  readonly port: number
  /** Tells it to stop, as an operator does. @returns its exit code; `null` if the signal killed it. */
  terminate(): Promise<number | null>
  /** Ends it, whatever it is doing. */
  stop(): Promise<void>
}

/** Starts a program as a user would, on a free port. Fails with what it printed if it ends instead. */
export async function startExample(name: string, environment: NodeJS.ProcessEnv): Promise<ExampleProgram> {
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}/main.ts`], {
    env: { ...process.env, ...environment, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return {
    port: await portOf(child),
    terminate: async () => {
      await stop(child, 'SIGTERM')
      return child.exitCode
    },
    stop: () => stop(child, 'SIGKILL'),
  }
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = ''
    const read = (chunk: unknown): void => {
      printed += String(chunk)
      const port = /^http:\/\/localhost:(\d+)$/m.exec(printed)?.[1]
      if (port !== undefined) resolve(Number(port))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${printed}`)))
  })
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}
