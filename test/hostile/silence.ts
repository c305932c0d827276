import { onTestFinished, vi } from 'vitest'

/**
 * Listens to all that a process can say by itself: console, standard output and error, warnings, rejections that
 * nobody handles. @returns what it said.
 */
export function listenToProcess(): readonly unknown[] {
  const said: unknown[] = []
  const note = (...parts: unknown[]) => void said.push(...parts)
  const spies = [
    ...(['debug', 'error', 'info', 'log', 'trace', 'warn'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(note),
    ),
    ...[process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((chunk) => {
        note(chunk)
        return true
      }),
    ),
  ]
  const events = ['warning', 'unhandledRejection', 'uncaughtExceptionMonitor'] as const
  for (const event of events) process.on(event, note)
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore()
    for (const event of events) process.off(event, note)
  })
  return said
}
