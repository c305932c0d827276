import { installBun, VERSIONS } from '../servers/runtimes.ts'
import { describeRuntime } from './program.ts'

describeRuntime(`Bun ${VERSIONS.Bun}`, async () => ({ program: await installBun(), args: [] }))
