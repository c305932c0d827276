import { installDeno, VERSIONS } from '../servers/runtimes.ts'
import { describeRuntime } from './program.ts'

const args = ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual']

describeRuntime(`Deno ${VERSIONS.Deno}`, async () => ({ program: await installDeno(), args }))
