import { MemoryStore } from 'coatcheck/stores/memory'
import type { ListPage, SessionListing, SessionRecord } from '../../../../src/store.ts'
import type { Mutants } from './mutant.ts'

type After = NonNullable<ListPage['after']>

/** A store that lists all, and leaves choosing the page to `pageOf`. */
function paging(pageOf: (all: readonly SessionListing[], page: ListPage) => readonly SessionListing[]) {
  return class extends MemoryStore {
    override async listByUser(userId: string, now: number, page?: ListPage) {
      const all = await super.listByUser(userId, now)
      return page === undefined ? all : pageOf(all, page)
    }
  }
}

const isBehind = (it: SessionListing, { id, lastSeenAt }: After) =>
  it.lastSeenAt < lastSeenAt || (it.lastSeenAt === lastSeenAt && it.id > id)

/** Stores that give out the list in wrong parts. */
export const mutantsOfListingPages: Mutants = {
  'listByUser ignores the limit of a page': class extends MemoryStore {
    override listByUser(userId: string, now: number, page?: ListPage) {
      return super.listByUser(userId, now, page && { ...page, limit: 1000 })
    }
  },
  'listByUser ignores where a page begins': class extends MemoryStore {
    override listByUser(userId: string, now: number, page?: ListPage) {
      return super.listByUser(userId, now, page && { limit: page.limit })
    }
  },
  'a page repeats the entry that it goes on behind': paging((all, { limit, after }) =>
    all.filter((it) => after === undefined || it.id === after.id || isBehind(it, after)).slice(0, limit),
  ),
  'a page begins at the next instant, and so skips those of the same': paging((all, { limit, after }) =>
    all.filter((it) => after === undefined || it.lastSeenAt < after.lastSeenAt).slice(0, limit),
  ),
  'a page begins a whole second later': paging((all, { limit, after }) =>
    all
      .filter((it) => after === undefined || it.id === after.id || it.lastSeenAt < after.lastSeenAt - 999)
      .filter((it) => it.id !== after?.id)
      .slice(0, limit),
  ),
  'a page begins where the entry stands, and so from the front once it has ended': paging(
    (all, { limit, after }) => {
      const place = all.findIndex((it) => it.id === after?.id)
      return all.slice(place + 1, place + 1 + limit)
    },
  ),
  'a page begins behind the entry’s place of now': paging((all, { limit, after }) => {
    const place = all.findIndex((it) => it.id === after?.id)
    return place === -1 && after !== undefined ? [] : all.slice(place + 1, place + 1 + limit)
  }),
  'a page is counted out before the expired are left out': class extends MemoryStore {
    override async listByUser(userId: string, now: number, page?: ListPage) {
      const all = await super.listByUser(userId, 0, page)
      return all.filter((it) => it.expiresAt > now)
    }
  },
  'entries of one instant come as they were created': class extends MemoryStore {
    readonly #ids: string[] = []
    override create(record: SessionRecord, now: number) {
      this.#ids.push(record.id)
      return super.create(record, now)
    }
    override async listByUser(userId: string, now: number, page?: ListPage) {
      const all = [...(await super.listByUser(userId, now))]
      all.sort((a, b) => b.lastSeenAt - a.lastSeenAt || this.#ids.indexOf(a.id) - this.#ids.indexOf(b.id))
      const { after, limit } = page ?? {}
      return all.slice(after ? all.findIndex((it) => it.id === after.id) + 1 : 0).slice(0, limit)
    }
  },
  'entries of one instant come by descending id': class extends MemoryStore {
    override async listByUser(userId: string, now: number, page?: ListPage) {
      const all = [...(await super.listByUser(userId, now))]
      all.sort((a, b) => b.lastSeenAt - a.lastSeenAt || (a.id < b.id ? 1 : -1))
      const { after, limit } = page ?? {}
      return all.slice(after ? all.findIndex((it) => it.id === after.id) + 1 : 0).slice(0, limit)
    }
  },
  'a page holds ids and times alone': paging(
    (all, { limit, after }) =>
      all
        .filter((it) => after === undefined || isBehind(it, after))
        .slice(0, limit)
        .map(({ address, ...it }) => it as SessionListing), // on purpose
  ),
  'a page keeps its place after the list has moved': class extends MemoryStore {
    #seen: readonly SessionListing[] = []
    override async listByUser(userId: string, now: number, page?: ListPage) {
      if (page === undefined) return super.listByUser(userId, now)
      if (page.after === undefined) this.#seen = await super.listByUser(userId, now)
      const { after, limit } = page
      return this.#seen.filter((it) => after === undefined || isBehind(it, after)).slice(0, limit)
    }
  },
  'a page of the empty user id holds what nobody owns': class extends MemoryStore {
    readonly #nobodys: SessionRecord[] = []
    override create(record: SessionRecord, now: number) {
      if (record.userId === '') this.#nobodys.push(record)
      return super.create(record, now)
    }
    override async listByUser(userId: string, now: number, page?: ListPage) {
      return page !== undefined && userId === '' ? this.#nobodys : super.listByUser(userId, now, page)
    }
  },
}
