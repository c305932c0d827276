import { setImmediate as nextTurn } from 'node:timers/promises'

/** Runs a race again and again, one round after the other. */
export async function inRounds(rounds: number, run: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await run(round)
}

/**
 * Starts tasks at once: every third round in another order, and in two rounds of three one or two turns of the
 * event loop apart, so that a store which gathers a turn's calls into one statement meets them together and apart.
 *
 * @returns their results, in the order of the tasks.
 */
export async function atOnce<const T extends readonly (() => Promise<unknown>)[]>(
  round: number,
  tasks: T,
): Promise<{ -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> }> {
  const results = tasks.map(async (task, index) => {
    const place = (index + Math.floor(round / 3)) % tasks.length
    const turnsApart = round % 3
    for (let turn = 0; turn < place * turnsApart; turn += 1) await nextTurn()
    return task()
  })
  // The tuple of results, which `map` widens to an array.
  return (await Promise.all(results)) as { -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> }
}
