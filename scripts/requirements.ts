/**
 * Writes `docs/requirements.md`: `npm run requirements`.
 *
 * Titles and reasons stand in `requirements.json`; which test covers what, the names of the tests say.
 */
import { writeFileSync } from 'node:fs'
import { readRequirements, readTests, writePage } from './requirements/page.ts'

writeFileSync('docs/requirements.md', writePage(readRequirements(), readTests()))
