import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKey } from 'coatcheck'

/**
 * Reads the keys that sign the session cookies, one a line, and makes one at the first start. To rotate, put a
 * new line before the old ones: the first key signs, all verify.
 *
 * @param folder Made if it is missing; only its owner may read it, and the keys.
 */
export async function readKeys(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'session-keys')
  await createOnce(path, `${generateKey()}\n`)
  const text = await readFile(path, 'utf8')
  return text.split('\n').filter((line) => line !== '')
}

// A link appears whole or not at all, so two first starts at once end with one key.
async function createOnce(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(draft)
  }
}
