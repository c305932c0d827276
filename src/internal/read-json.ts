/** A string of a JSON text, and the colon that makes it a key. */
const STRING = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/g

/**
 * Reads JSON text, every key as it was written.
 *
 * V8 since 12.8 (Node 24, Deno) may take a key with an escape in it for another one that it has seen, so that `"\n"`
 * comes back as a backslash: https://github.com/nodejs/node/issues/63785. Such keys get plain names for the reading.
 *
 * @throws SyntaxError the text is no JSON.
 */
export function readJson(text: string): unknown {
  if (!text.includes('\\')) return JSON.parse(text)
  const prefix = unusedPrefix(text)
  const names = new Map<string, string>()
  const plain = text.replace(STRING, (whole, string: string, colon: string | undefined) => {
    if (colon === undefined || !string.includes('\\')) return whole
    const name = `${prefix}${names.size}`
    names.set(name, JSON.parse(string) as string) // what a string literal holds
    return `"${name}"${colon}`
  })
  return names.size === 0 ? JSON.parse(text) : rename(JSON.parse(plain), names)
}

function unusedPrefix(text: string): string {
  let prefix = 'k'
  while (text.includes(`"${prefix}`)) prefix += 'k'
  return prefix
}

/** Object.fromEntries, because it defines own properties, `__proto__` too. */
function rename(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((part) => rename(part, names))
  const entries = Object.entries(value).map(([key, part]) => [names.get(key) ?? key, rename(part, names)])
  return Object.fromEntries(entries)
}
