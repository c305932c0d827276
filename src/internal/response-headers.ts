import type { Exchange } from '../exchange.ts'

/** Tells caches that the response depends on the Cookie header (RFC 9110 12.5.5). */
export function varyByCookie(exchange: Exchange): void {
  const vary = exchange.responseHeader('vary')
  if (vary === undefined || vary === '') exchange.setHeader('vary', 'Cookie')
  else if (!/(?:^|,)[\t ]*(?:cookie|\*)[\t ]*(?:,|$)/i.test(vary))
    exchange.setHeader('vary', `${vary}, Cookie`)
}
