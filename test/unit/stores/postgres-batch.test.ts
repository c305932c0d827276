import { createHook } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { Batch, type Entry } from '../../../src/internal/batch.ts'
import { Gate } from '../../../src/internal/gate.ts'
import { PostgresOrder } from '../../../src/internal/postgres-order.ts'

/** A batch of words whose sends are answered one by one, by hand; a word is answered by itself. */
function aBatch({ places = 4, maxSize = 100 } = {}) {
  const sent: { readonly words: string[]; answer(): void; fail(error: Error): void }[] = []
  const batch = new Batch<string, string>({
    gate: new Gate(places),
    maxSize,
    keyOf: (word) => word[0] ?? '',
    fold: (waiting, next) => (next.endsWith('!') ? undefined : `${waiting}+${next}`),
    send: (entries: readonly Entry<string, string>[]) =>
      new Promise((resolve, reject) => {
        sent.push({
          words: entries.map(({ request }) => request),
          answer: () => {
            for (const { request, resolve } of entries.flatMap(({ parts }) => parts)) resolve(request)
            resolve()
          },
          fail: reject,
        })
      }),
  })
  return { batch, sent, words: () => sent.map(({ words }) => words) }
}

describe('Batch', () => {
  it('sends a lone request at once and what arrives meanwhile together, never in a batch already sent', async () => {
    const { batch, sent, words } = aBatch()
    const all = ['a', 'b', 'c'].map((word) => batch.add(word))
    expect(words()).toEqual([['a']])
    sent[0]?.answer()
    await nextTurn()
    await nextTurn()
    expect(words()).toEqual([['a'], ['b', 'c']])
    sent[1]?.answer()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
  })

  it('gathers what those who were answered ask for next', async () => {
    const { batch, sent, words } = aBatch()
    const asking = ['a', 'b', 'c'].map(async (word) => {
      await batch.add(word)
      await batch.add(`${word}2`)
    })
    sent[0]?.answer()
    await nextTurn()
    await nextTurn()
    sent[1]?.answer()
    await nextTurn()
    await nextTurn()
    expect(words()).toEqual([['a'], ['b', 'c', 'a2'], ['b2', 'c2']])
    sent[2]?.answer()
    await Promise.all(asking)
  })

  it('folds requests of one key, and never has two of one key in a batch', async () => {
    const { batch, sent, words } = aBatch()
    const all = ['x', 'a1', 'a2', 'b1', 'a3!', 'a4'].map((word) => batch.add(word))
    for (const turn of [0, 1, 2]) {
      sent[turn]?.answer()
      await nextTurn()
      await nextTurn()
    }
    expect(words()).toEqual([['x'], ['a1+a2', 'b1'], ['a3!+a4']])
    expect(await Promise.all(all)).toEqual(['x', 'a1', 'a2', 'b1', 'a3!', 'a4'])
  })

  it('sends no more than maxSize at once', async () => {
    const { batch, sent, words } = aBatch({ maxSize: 2 })
    const all = ['x', 'a', 'b', 'c'].map((word) => batch.add(word))
    for (const turn of [0, 1, 2]) {
      sent[turn]?.answer()
      await nextTurn()
      await nextTurn()
    }
    expect(words()).toEqual([['x'], ['a', 'b'], ['c']])
    await Promise.all(all)
  })

  it('rejects all that were in a batch that fails, and goes on', async () => {
    const { batch, sent } = aBatch()
    const [first, second] = [batch.add('a'), batch.add('b')]
    sent[0]?.fail(new Error('lost'))
    await expect(first).rejects.toThrow('lost')
    await nextTurn()
    sent[1]?.answer()
    expect(await second).toBe('b')
  })

  it('no longer waits for a batch that is slow, up to the places that it has', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { batch, sent, words } = aBatch({ places: 2 })
      const all = ['a', 'b', 'c'].map((word) => batch.add(word))
      vi.advanceTimersByTime(24)
      expect(words()).toEqual([['a']])
      vi.advanceTimersByTime(1)
      expect(words()).toEqual([['a'], ['b', 'c']])
      all.push(batch.add('d'))
      vi.advanceTimersByTime(1000)
      expect(words()).toEqual([['a'], ['b', 'c']])
      sent[0]?.answer()
      await nextTurn()
      expect(words()).toEqual([['a'], ['b', 'c'], ['d']])
      for (const { answer } of sent) answer()
      expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd'])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('Gate', () => {
  it('gives places in the order in which they were asked for, also after a failure', async () => {
    const gate = new Gate(1)
    const order: number[] = []
    const work = (n: number) => gate.run(async () => void order.push(n))
    const failing = gate.run(() => Promise.reject(new Error('no')))
    const others = [work(1), work(2)]
    await expect(failing).rejects.toThrow('no')
    await Promise.all(others)
    expect(order).toEqual([1, 2])
    expect(gate.tryEnter()).toBe(true)
    expect(gate.tryEnter()).toBe(false)
  })
})

describe('PostgresOrder', () => {
  it('starts work once all that was noted before has settled, and at once where there is none', async () => {
    const order = new PostgresOrder()
    const steps: string[] = []
    const { promise, reject } = withReject()
    order.note('a', promise).catch(() => steps.push('noted'))
    const after = [
      order.after('a', async () => void steps.push('first')),
      order.after('a', async () => void steps.push('second')),
    ]
    await order.after('b', async () => void steps.push('other'))
    reject(new Error('no'))
    await Promise.all(after)
    expect(steps).toEqual(['other', 'noted', 'first', 'second'])
  })

  it('makes a few promises for each of those who wait for one record, however many they are', async () => {
    let made = 0
    const order = new PostgresOrder()
    const count = (_id: number, type: string) => {
      if (type === 'PROMISE') made += 1
    }
    const hook = createHook({ init: count }).enable()
    try {
      await Promise.all(Array.from({ length: 100 }, () => order.after('a', async () => {})))
    } finally {
      hook.disable()
    }
    expect(made).toBeLessThan(100 * 20)
  })
})

function withReject() {
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<void>((_resolve, fail) => {
    reject = fail
  })
  return { promise, reject: (reason: unknown) => reject(reason) }
}
