/**
 * Declares an application's session values once, for every place that names no type of its own.
 *
 * @example
 * declare module 'coatcheck' {
 *   interface Register { values: { cart: string[] } }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications add `values` to it by declaration merging
export interface Register {}

/** The values that the application declared through {@link Register}; else any key, of unknown type. */
export type RegisteredValues = Register extends { values: infer V extends object }
  ? V
  : Record<string, unknown>

type NotJson =
  | bigint
  | symbol
  | undefined
  | ((...args: never[]) => unknown)
  | Date
  | RegExp
  | Error
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>
  | Promise<unknown>
  | ArrayBuffer
  | ArrayBufferView

/**
 * `T` with every part that JSON cannot hold exactly turned into `never`, so that handing it to `set()` is a
 * type error where it would throw.
 */
export type Json<T> = 0 extends 1 & T
  ? T // `any` stays what the caller made of it
  : unknown extends T
    ? T
    : T extends string | number | boolean | null
      ? T
      : T extends NotJson
        ? never
        : T extends object
          ? { [K in keyof T]: K extends symbol ? never : Json<Exclude<T[K], undefined>> }
          : never
