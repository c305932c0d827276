import type { Session } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { type Answer, type Visit, World } from '../unit/manager/world.ts'

const ACTIONS = {
  read: (session: Session) => session.get('x'),
  set: (session: Session) => session.set('x', 1),
  clear: (session: Session) => session.clear(),
  update: (session: Session) => session.update('n', (old) => Number(old ?? 0) + 1).catch(() => undefined),
  renew: (session: Session) => session.renew(),
  'sign in': (session: Session) => session.setUserId('ada'),
  'sign out': (session: Session) => session.setUserId(undefined),
  destroy: (session: Session) => session.destroy(),
} as const

type Action = keyof typeof ACTIONS

/** Every order of the members. */
function permutations<T>(members: readonly T[]): T[][] {
  if (members.length === 0) return [[]]
  return members.flatMap((first, i) =>
    permutations(members.filter((_, j) => j !== i)).map((rest) => [first, ...rest]),
  )
}

/** Every series of `count` actions. */
function series(actions: readonly Action[], count: number): Action[][] {
  if (count === 0) return [[]]
  return actions.flatMap((first) => series(actions, count - 1).map((rest) => [first, ...rest]))
}

/** Every order in which `count` requests can each start, then commit; the first of them is the first to start, and so on. */
function schedules(count: number): number[][] {
  const run = (left: readonly number[], started: number): number[][] => {
    if (left.every((n) => n === 0)) return [[]]
    return left.flatMap((n, i) => {
      if (n === 0 || i > started) return []
      const next = left.map((m, j) => (j === i ? m - 1 : m))
      return run(next, i === started ? started + 1 : started).map((rest) => [i, ...rest])
    })
  }
  return run(
    Array.from({ length: count }, () => 2),
    0,
  )
}

/** Runs the requests in this schedule, all of them sent before any answer has arrived. */
async function run(
  world: World,
  token: string | undefined,
  actions: readonly Action[],
  schedule: readonly number[],
) {
  const visits: (Visit | undefined)[] = []
  const answers: Answer[] = []
  for (const i of schedule) {
    const visit = visits[i]
    const action = actions[i]
    if (visit === undefined) visits[i] = await world.browser(token).visit()
    else if (action !== undefined) {
      await ACTIONS[action](visit.session)
      answers.push(await visit.answer())
    }
  }
  return answers
}

/** Who is signed in, for every order in which the answers can arrive. */
async function usersAfter(
  world: World,
  token: string | undefined,
  answers: readonly Answer[],
): Promise<Set<string | undefined>> {
  const users = new Set<string | undefined>()
  const cookies = answers.filter(({ cookie }) => cookie !== undefined)
  for (const order of permutations(cookies)) {
    const browser = world.browser(token)
    for (const answer of order) browser.receive(answer)
    users.add((await world.look(browser)).userId)
  }
  return users
}

const ALL = ['read', 'set', 'clear', 'update', 'renew', 'sign in'] as const
const WITHOUT_RENEWAL = ['read', 'set', 'clear', 'update', 'sign in'] as const

describe('rule 17, for every interleaving of parallel requests and every order of their answers', () => {
  it.each([
    ['ada is signed in', 'ada', ALL, 2],
    ['ada is signed in', 'ada', ['renew', 'sign in'] as const, 3],
    ['a session of nobody, and one request signs in', undefined, WITHOUT_RENEWAL, 2],
    ['a session of nobody, and one request signs in', undefined, ['set', 'sign in'] as const, 3],
  ] as const)('a browser never ends signed out; %s (R-149)', async (_name, userId, actions, count) => {
    const world = new World()
    for (const chosen of series(actions, count)) {
      if (userId === undefined && !chosen.includes('sign in')) continue
      for (const schedule of schedules(count)) {
        const { token } = await world.browserWith(userId, { stored: 1 })
        const answers = await run(world, token, chosen, schedule)
        const users = await usersAfter(world, token, answers)
        expect([...users], `${chosen.join(', ')} in the order ${schedule.join(' ')}`).toEqual(['ada'])
      }
    }
  })

  it('a browser without a session that signs in twice ends signed in', async () => {
    const world = new World()
    for (const schedule of schedules(2)) {
      const answers = await run(world, undefined, ['sign in', 'sign in'], schedule)
      expect([...(await usersAfter(world, undefined, answers))]).toEqual(['ada'])
    }
  })

  it.each(['destroy', 'sign out'] as const)(
    'a browser that does "%s" ends signed out, whatever arrives last (rule 1)',
    async (end) => {
      const world = new World()
      const others = ['read', 'set', 'clear', 'update', 'renew'] as const
      for (const other of others) {
        for (const actions of [
          [other, end],
          [end, other],
        ] as const) {
          for (const schedule of schedules(2)) {
            // Where the renewal was over before it, the request that signs out comes as nobody: destroy() knows more.
            if (
              other === 'renew' &&
              actions[0] === other &&
              schedule.join('') === '0011' &&
              end === 'sign out'
            )
              continue
            const { token } = await world.browserWith('ada', { stored: 1 })
            const answers = await run(world, token, actions, schedule)
            const users = await usersAfter(world, token, answers)
            expect([...users], `${actions.join(', ')} in the order ${schedule.join(' ')}`).toEqual([
              undefined,
            ])
          }
        }
      }
    },
  )
})
