import { pathToFileURL } from 'node:url'
import { installMiniflare } from '../servers/runtimes.ts'

/** A Worker that runs in workerd, on a free port. */
export interface RunningWorker {
  readonly url: URL
  stop(): Promise<void>
}

/** As much of miniflare as is used here. */
interface Miniflare {
  readonly ready: Promise<URL>
  dispose(): Promise<void>
}

interface MiniflareModule {
  readonly Miniflare: new (options: object) => Miniflare
  readonly kCurrentWorker: symbol
}

/** Starts a Worker, with a binding `SELF` to itself. @param script One module, bundled. */
export async function startWorker(
  script: string,
  bindings: Readonly<Record<string, string>>,
): Promise<RunningWorker> {
  const { href } = pathToFileURL(await installMiniflare())
  const { Miniflare, kCurrentWorker } = (await import(href)) as MiniflareModule // of the version that is pinned
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: script }],
    compatibilityDate: '2026-04-20',
    compatibilityFlags: ['nodejs_compat'],
    serviceBindings: { SELF: kCurrentWorker },
    bindings,
  })
  return { url: await miniflare.ready, stop: () => miniflare.dispose() }
}
