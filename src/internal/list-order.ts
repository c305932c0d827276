import type { ListPage } from '../store.ts'

type Place = NonNullable<ListPage['after']>

/** Puts entries in the order of a list, and gives those of the page; all, if there is none. */
export function pageOf<T extends Place>(
  entries: readonly T[],
  { after, limit }: Partial<ListPage> = {},
): T[] {
  return entries
    .filter((entry) => after === undefined || inListOrder(after, entry) < 0)
    .sort(inListOrder)
    .slice(0, limit)
}

/** Last used first, those of one instant by ascending id. */
function inListOrder(a: Place, b: Place): number {
  return b.lastSeenAt - a.lastSeenAt || (a.id < b.id ? -1 : Number(a.id > b.id))
}
