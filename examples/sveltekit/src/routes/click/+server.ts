import type { RequestHandler } from './$types'

export const POST: RequestHandler = async ({ locals: { session } }) => {
  await session.update('clicks', (clicks = 0) => clicks + 1)
  return new Response(null, { status: 204 })
}
