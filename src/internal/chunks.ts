/** Members that go to a server at once, at most: it does nothing else meanwhile. */
const CHUNK = 500

/** Cuts a list in pieces. */
export function chunksOf<T>(list: readonly T[]): T[][] {
  const chunks: T[][] = []
  for (let i = 0; i < list.length; i += CHUNK) chunks.push(list.slice(i, i + CHUNK))
  return chunks
}
