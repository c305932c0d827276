import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { World } from '../unit/manager/world.ts'

const SIGNED = { version: 0, keyId: 3, issuedAt: 7, end: 99 }
const ENCRYPTED = { version: 0, keyId: 3, issuedAt: 7, end: 95 }

/** Sizes of what a call takes, at whatever depth it takes bytes or text. */
function sizesOf(args: readonly unknown[]): number[] {
  const sizeOf = (arg: unknown) =>
    typeof arg === 'string' ? arg.length : ArrayBuffer.isView(arg) ? arg.byteLength : []
  return args.flatMap(sizeOf)
}

/** Notes each call of node:crypto with the sizes that go in: how much work there is, whatever the clock says. */
function countWork(): string[] {
  const work: string[] = []
  const names = [
    'timingSafeEqual',
    'createHmac',
    'createDecipheriv',
    'createHash',
    'hash',
    'randomBytes',
  ] as const
  const module: Record<string, unknown> = crypto // its functions, to be replaced by name
  for (const name of names) {
    const original = module[name]
    if (typeof original !== 'function') continue // hash came with Node 20.12
    vi.spyOn(module as Record<string, (...args: unknown[]) => unknown>, name).mockImplementation(
      (...args) => {
        work.push(`${name} ${sizesOf(args).join(' ')}`)
        const result: unknown = Reflect.apply(original, crypto, args)
        return isUpdatable(result) ? counted(result, name, work) : result
      },
    )
  }
  syncBuiltinESMExports() // so that named imports see the spies too
  return work
}

interface Updatable {
  update(...args: unknown[]): unknown
}

function isUpdatable(value: unknown): value is Updatable {
  return value instanceof Object && 'update' in value && typeof value.update === 'function'
}

function counted(of: Updatable, name: string, work: string[]): Updatable {
  const update = of.update.bind(of)
  of.update = (...args) => {
    work.push(`${name}.update ${sizesOf(args).join(' ')}`)
    return update(...args)
  }
  return of
}

describe('the work for a token', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })

  for (const [kind, at] of Object.entries({ signed: SIGNED, encrypted: ENCRYPTED })) {
    it(`is the same whichever byte of it is wrong, and how wrong, where it is ${kind} (rule 10, R-060)`, async () => {
      const world = new World(
        kind === 'signed' ? {} : { encryptionKey: 'another key of at least 32 bytes, really' },
      )
      const { token = '' } = await world.browserWith('ada')
      const bytes = Buffer.from(token, 'base64url')
      expect(bytes).toHaveLength(at.end)
      const work = countWork()
      const workFor = async (altered: Buffer): Promise<string[]> => {
        work.length = 0
        await world.browser(altered.toString('base64url')).visit()
        return [...work]
      }
      const wholly = await workFor(
        Buffer.concat([bytes.subarray(0, at.issuedAt), Buffer.alloc(at.end - at.issuedAt, 0x55)]),
      )
      expect(wholly.length).toBeGreaterThan(1)
      if (kind === 'signed') expect(wholly.at(-1)).toBe('timingSafeEqual 32 32')
      for (let place = at.issuedAt; place < at.end; place++) {
        for (const by of [0x01, 0x80, 0xff]) {
          const altered = Buffer.from(bytes)
          altered[place] = (altered[place] ?? 0) ^ by
          expect(await workFor(altered), `byte ${place} ^ ${by}`).toEqual(wholly)
        }
      }
      // What stands before is no secret: the version, and a fingerprint that says which key.
      for (let place = at.version; place < at.issuedAt; place++) {
        const altered = Buffer.from(bytes)
        altered[place] = (altered[place] ?? 0) ^ 0x80
        expect(await workFor(altered), `byte ${place}`).toEqual([])
      }
      expect(world.store.calls).toEqual([])
    })
  }

  it('is the same wherever the stored hash differs from that of its secret, and where it does not (rule 10, R-060)', async () => {
    const world = new World()
    const browser = await world.browserWith('ada')
    const { id } = await world.look(browser)
    const record = await world.store.peek(id, world.now)
    if (record === undefined) throw new Error('the session is not there')
    const work = countWork()
    const workFor = async (secretHash: string): Promise<string[]> => {
      await world.store.drop(id)
      await world.store.plant({ ...record, secretHash })
      work.length = 0
      await browser.copy().visit()
      return [...work]
    }
    const right = await workFor(record.secretHash)
    expect(right.at(-1)).toBe('timingSafeEqual 64 64')
    for (let place = 0; place < 64; place++) {
      const digit = record.secretHash[place] === '0' ? 'f' : '0'
      const wrong = record.secretHash.slice(0, place) + digit + record.secretHash.slice(place + 1)
      expect(await workFor(wrong), `digit ${place}`).toEqual(right)
    }
  })
})
