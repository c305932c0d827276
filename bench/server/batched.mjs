/**
 * Sends together what came while the last was under way.
 *
 * @param ask Takes a list to a map of answers, if there are any.
 * @returns a function that asks for one of the list.
 */
export function batched(ask) {
  let waiting = []
  let isBusy = false
  const flush = async () => {
    const batch = waiting
    waiting = []
    const answers = await ask(batch.map(({ one }) => one))
    for (const { one, resolve } of batch) resolve(answers?.get(one))
    setImmediate(() => {
      isBusy = false
      next()
    })
  }
  const next = () => {
    if (isBusy || waiting.length === 0) return
    isBusy = true
    void flush()
  }
  return (one) =>
    new Promise((resolve) => {
      waiting.push({ one, resolve })
      next()
    })
}
