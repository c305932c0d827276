import { installNode, type NodeName, VERSIONS } from '../servers/runtimes.ts'
import { SUITES } from './inside/suites.ts'
import { describeRuntime, PROGRAM_SUITES } from './program.ts'

const NODES: readonly NodeName[] = ['Node 22', 'Node 24', 'Node 26']

for (const name of NODES) {
  // The longest suite, on the two that are under long-term support.
  const suites =
    name === 'Node 26' ? PROGRAM_SUITES.filter((suite) => suite !== SUITES.postgres) : PROGRAM_SUITES
  const command = async () => ({ program: await installNode(name), args: [] })
  describeRuntime(`Node ${VERSIONS[name]}`, command, suites)
}
