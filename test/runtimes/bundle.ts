import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { linkPackages } from '../package/global-setup.ts'

const inside = (file: string): string => fileURLToPath(new URL(`./inside/${file}`, import.meta.url))

/** Bundles the suites into a program of the user's project, where they find the package as it was installed. */
export async function bundleProgram(project: string): Promise<string> {
  await linkPackages(project, ['@hono/node-server', 'hono', 'ioredis', 'pg', 'redis'])
  const outfile = path.join(project, `suites-${process.pid}.mjs`) // another file of tests may be running its own
  await build({
    entryPoints: [inside('program.ts')],
    bundle: true,
    outfile,
    format: 'esm',
    platform: 'node',
    external: ['coatcheck', 'coatcheck/*', '@hono/node-server', 'hono', 'hono/*', 'ioredis', 'pg', 'redis'],
  })
  return outfile
}

/** Bundles a Worker, as wrangler would, with the package as it was installed. @returns its text. */
export async function bundleWorker(entry: string, project: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['module', 'main'],
    external: ['cloudflare:*'],
    // For the CommonJS in pg, which asks for node's own modules.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/')" },
    plugins: [installedPackage(project), workersWire],
  })
  return outputFiles[0]?.text ?? ''
}

function installedPackage(project: string): Plugin {
  return {
    name: 'the package as it was installed',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^coatcheck(\/|$)/ }, ({ path, kind, pluginData }) =>
        pluginData === project
          ? undefined
          : resolve(path, { kind, resolveDir: project, pluginData: project }),
      )
    },
  }
}

/** A Worker has no sockets to itself: the browsers of the HTTP cases go another way. */
const workersWire: Plugin = {
  name: 'the wire of a Worker',
  setup({ onResolve }) {
    onResolve({ filter: /\/http\/wire\.ts$|^\.\/wire\.ts$/ }, () => ({ path: inside('fetch-wire.ts') }))
  },
}
