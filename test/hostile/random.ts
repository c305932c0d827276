/** Numbers and choices from a seed, so that a failure can be had again. */
export interface Random {
  /** A whole number from 0 up to, and not with, `end`. */
  below(end: number): number
  /** One of these. */
  of<T>(choices: readonly [T, ...T[]]): T
  /** As many bytes. */
  bytes(length: number): Buffer
}

/** Mulberry32: 32 bits of state, fast, and even enough for tests. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }
  const below = (end: number) => Math.floor((next() / 2 ** 32) * end)
  return {
    below,
    of: (choices) => choices[below(choices.length)] ?? choices[0],
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  }
}

/** The seed of this run: another each time, or the one that a failed run has told. */
export function newSeed(): number {
  return Number(process.env.HOSTILE_SEED ?? Math.floor(Math.random() * 2 ** 32))
}
