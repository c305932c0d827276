import { LONGEST_TIMER_MS } from './durations.ts'

/**
 * Waits for work at most this long. What the work does later is nobody's concern.
 *
 * @param ms `Infinity`: as long as it takes.
 * @param onLate Called if the work takes longer.
 */
export async function within<T>(ms: number, work: Promise<T>, onLate?: () => void): Promise<T> {
  if (!Number.isFinite(ms)) return work
  let timer: NodeJS.Timeout | undefined
  const lateness = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => {
        onLate?.()
        reject(new Error(`no answer within ${Math.ceil(ms)} ms`))
      },
      Math.min(ms, LONGEST_TIMER_MS),
    )
  })
  try {
    return await Promise.race([work, lateness])
  } finally {
    clearTimeout(timer)
  }
}
