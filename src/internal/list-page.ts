import { ValueError } from '../errors.ts'
import type { ListOptions } from '../session.ts'
import type { ListPage } from '../store.ts'
import { isStorableText } from './json.ts'

/** Entries of a page: what a statement returns in a few milliseconds, and more than a person reads. */
const MAX_LIMIT = 1000

/** @throws {@link ValueError} the limit or the entry to go on behind cannot be one. */
export function toListPage({ limit = MAX_LIMIT, after }: ListOptions): ListPage {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new ValueError(`limit must be a whole number from 1 to ${MAX_LIMIT}, not ${String(limit)}`)
  }
  return { limit, after: after === undefined ? undefined : toPlace(after) }
}

// An application may have carried both through a URL, so that any text may come.
function toPlace({ id, lastSeenAt }: NonNullable<ListOptions['after']>): ListPage['after'] {
  if (typeof id !== 'string' || !isStorableText(id)) {
    throw new ValueError('after.id must be the id of an entry of the list')
  }
  if (!(lastSeenAt instanceof Date) || Number.isNaN(lastSeenAt.getTime())) {
    throw new ValueError('after.lastSeenAt must be the time of an entry of the list, a valid Date')
  }
  return { id, lastSeenAt: lastSeenAt.getTime() }
}
