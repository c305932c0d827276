import type { RequestHandler } from './$types'

export const POST: RequestHandler = ({ locals: { session }, url }) => {
  for (const key of ['theme', 'language'] as const) {
    const choice = url.searchParams.get(key)
    if (choice !== null) session.set(key, choice)
  }
  return new Response(null, { status: 204 })
}
