/**
 * Whether the runtime keeps requests apart: what one of them has begun ends with it, so that no other may wait for
 * it. Cloudflare's Workers do: I/O and timers belong to a request, and go with it when its client is gone.
 */
export function keepsRequestsApart(): boolean {
  const { navigator } = globalThis as { navigator?: { readonly userAgent?: string } } // not there in Node 20
  return navigator?.userAgent === 'Cloudflare-Workers'
}
