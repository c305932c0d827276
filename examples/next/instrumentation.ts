/** Next.js calls this once when the server starts. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { store } = (await import('./manager')).manager
  if ('migrate' in store && typeof store.migrate === 'function') await store.migrate()
}
