import { installNode, type NodeName, VERSIONS } from '../servers/runtimes.ts'
import { SUITES } from './inside/suites.ts'
import { describeRuntime, PROGRAM_SUITES } from './program.ts'

const NODES: readonly NodeName[] = ['Node 22', 'Node 24', 'Node 26']

for (const name of NODES) {
  // The longest suites on the one that most servers have.
  const long: readonly string[] = [SUITES.postgres, SUITES.ioredisAlone, SUITES.nodeRedisAlone]
  const suites = name === 'Node 24' ? PROGRAM_SUITES : PROGRAM_SUITES.filter((suite) => !long.includes(suite))
  const command = async () => ({ program: await installNode(name), args: [] })
  describeRuntime(`Node ${VERSIONS[name]}`, command, suites)
}
