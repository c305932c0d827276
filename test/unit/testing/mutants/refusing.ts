import { setImmediate as nextTurn } from 'node:timers/promises'
import { MemoryStore } from 'coatcheck/stores/memory'
import { aRecord } from 'coatcheck/testing'
import type { SaveResult, SessionChange } from '../../../../src/store.ts'
import type { Mutants } from './mutant.ts'

/** Stores that save where they must not, or do not where they must. */
export const mutantsOfRefusing: Mutants = {
  'save creates the record where there is none': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      await super.create(aRecord({ id, secretHash: change.secretHash }), now)
      return super.save(id, change, now)
    }
  },
  'save checks for the record first and brings it back a moment later': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const before = await super.get(id, now)
      await nextTurn()
      if (before !== undefined) await super.create(before, now)
      return super.save(id, change, now)
    }
  },
  'save reaches expired records': class extends MemoryStore {
    override save(id: string, change: SessionChange, _now: number) {
      return super.save(id, change, 0)
    }
  },
  'save ignores the secret': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const record = await super.get(id, now)
      return super.save(id, { ...change, secretHash: record?.secretHash ?? change.secretHash }, now)
    }
  },
  'save checks the secret first and writes a moment later': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number): Promise<SaveResult> {
      const record = await super.get(id, now)
      if (record !== undefined && record.secretHash !== change.secretHash) return { outcome: 'superseded' }
      await nextTurn()
      const after = await super.get(id, now)
      return super.save(id, { ...change, secretHash: after?.secretHash ?? '' }, now)
    }
  },
  'save ignores expect': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      return super.save(id, { ...change, expect: undefined }, now)
    }
  },
  'save checks expect first and writes a moment later': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const probe = await super.save(id, { ...change, maxValuesBytes: 0 }, now)
      if (probe.outcome !== 'too-large') return probe
      await nextTurn()
      return super.save(id, { ...change, expect: undefined }, now)
    }
  },
  'save compares expect as text': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number): Promise<SaveResult> {
      const record = await super.get(id, now)
      const value = change.expect && JSON.parse(record?.values ?? '{}')[change.expect.key]
      if (change.expect?.value === undefined || record?.secretHash !== change.secretHash) {
        return super.save(id, change, now)
      }
      if (JSON.stringify(value) !== change.expect.value) return { outcome: 'unexpected' }
      return super.save(id, { ...change, expect: undefined }, now)
    }
  },
  'save takes null and absent for the same': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const { expect } = change
      const absent =
        expect?.value === 'null' && expect.key === 'absent' ? { ...expect, value: undefined } : expect
      return super.save(id, { ...change, expect: absent }, now)
    }
  },
  'save finds an expected key among the members of objects': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number): Promise<SaveResult> {
      if (change.expect?.value === undefined && change.expect?.key && change.expect.key in {}) {
        return { outcome: 'unexpected' }
      }
      return super.save(id, change, now)
    }
  },
  'save ignores maxValuesBytes': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      return super.save(id, { ...change, maxValuesBytes: Number.POSITIVE_INFINITY }, now)
    }
  },
  'save counts characters in place of bytes': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      const wide = [...(change.set?.values() ?? [])].some((text) => /[^ -~]/.test(text))
      return super.save(id, { ...change, maxValuesBytes: change.maxValuesBytes * (wide ? 3 : 1) }, now)
    }
  },
  'save counts a space after each comma, as databases write them': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const texts = [(await super.get(id, now))?.values ?? '', ...(change.set?.values() ?? [])]
      const spaces = texts.reduce((sum, text) => sum + text.split(',').length - 1, 0)
      return super.save(id, { ...change, maxValuesBytes: change.maxValuesBytes - spaces }, now)
    }
  },
  'save does not count the spaces in texts': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number) {
      const spaces = [...(change.set?.values() ?? [])].reduce(
        (sum, text) => sum + text.split(' ').length - 1,
        0,
      )
      return super.save(id, { ...change, maxValuesBytes: change.maxValuesBytes + spaces }, now)
    }
  },
  'save counts the bytes that it sets, not those that result': class extends MemoryStore {
    override save(id: string, change: SessionChange, now: number): Promise<SaveResult> {
      const bytes = [...(change.set?.values() ?? [])].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
      const isSmall = bytes < change.maxValuesBytes
      return super.save(id, { ...change, maxValuesBytes: isSmall ? 1e9 : change.maxValuesBytes }, now)
    }
  },
  'save counts what was there before and what is set': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const before = Buffer.byteLength((await super.get(id, now))?.values ?? '')
      const freed = change.clear || change.delete?.size || change.set?.has('big') ? before : 0
      return super.save(id, { ...change, maxValuesBytes: change.maxValuesBytes - freed }, now)
    }
  },
  'save asks for the expectation before the secret': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const secretHash = (await super.get(id, now))?.secretHash ?? ''
      const probe = await super.save(id, { ...change, secretHash, maxValuesBytes: 0 }, now)
      return probe.outcome === 'unexpected' ? probe : super.save(id, change, now)
    }
  },
  'save asks for the size before the expectation': class extends MemoryStore {
    override async save(id: string, change: SessionChange, now: number) {
      const probe = await super.save(id, { ...change, expect: undefined, renewal: undefined }, now)
      return probe.outcome === 'too-large' ? probe : super.save(id, change, now)
    }
  },
  'save mixes up the answers of one turn': class extends MemoryStore {
    readonly #waiting: Promise<SaveResult>[] = []
    override async save(id: string, change: SessionChange, now: number) {
      const mine = super.save(id, change, now)
      this.#waiting.push(mine)
      await nextTurn()
      return this.#waiting.pop() ?? mine
    }
  },
}
