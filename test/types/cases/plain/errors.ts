import {
  type AnySessionError,
  ConfigError,
  ConflictError,
  SessionError,
  type SessionErrorCode,
  StateError,
  StoreError,
  type ValueError,
} from 'coatcheck'

declare const error: AnySessionError
declare const caught: unknown

// an error narrows by its code, and these codes are all there are
export function act(): string {
  switch (error.code) {
    case 'ERR_SESSION_CONFIG':
      return own<ConfigError>(error)
    case 'ERR_SESSION_VALUE':
      return own<ValueError>(error)
    case 'ERR_SESSION_STATE':
      return own<StateError>(error)
    case 'ERR_SESSION_CONFLICT':
      return own<ConflictError>(error)
    case 'ERR_SESSION_STORE':
      return own<StoreError>(error) + error.operation
  }
}

// @ts-expect-error only a StoreError has it
error.operation

declare function own<E extends SessionError>(error: E): string

if (caught instanceof SessionError) {
  const code: string = caught.code
  const [status, again, shown]: [number, number, false] = [caught.status, caught.statusCode, caught.expose]
  console.log(code, status, again, shown)
}

const codes: readonly SessionErrorCode[] = [
  'ERR_SESSION_CONFIG',
  'ERR_SESSION_VALUE',
  'ERR_SESSION_STATE',
  'ERR_SESSION_CONFLICT',
  'ERR_SESSION_STORE',
]
// @ts-expect-error no such code
const other: SessionErrorCode = 'ERR_SESSION_OTHER'
// @ts-expect-error the base is never thrown
new SessionError('message')

throw new StoreError(
  'get',
  new Error('refused', { cause: [codes, other, ConfigError, StateError, ConflictError] }),
)
