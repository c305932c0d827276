import { ConflictError, StateError, StoreError, ValueError } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { failureStatus } from '../../../src/internal/failure-answer.ts'

describe('the status of a failed commit', () => {
  it("is the error's", () => {
    expect(failureStatus(new ConflictError('lost'))).toBe(409)
    expect(failureStatus(new ValueError('too large'))).toBe(500)
    expect(failureStatus(new StateError('late'))).toBe(500)
    expect(failureStatus(new StoreError('save', undefined))).toBe(503)
  })

  it('is 500 for whatever else is thrown', () => {
    for (const error of [
      undefined,
      null,
      'text',
      new Error('x'),
      { status: 200 },
      { status: '503' },
      { status: 4.5e2 + 0.5 },
    ]) {
      expect(failureStatus(error)).toBe(500)
    }
  })
})
