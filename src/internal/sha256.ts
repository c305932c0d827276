import crypto from 'node:crypto'

/** SHA-256 as 64 lower-case hex digits. @param data Bytes, or a text, which counts as UTF-8. */
export function sha256Hex(data: Uint8Array | string): string {
  // In one call where the runtime has it (Node since 20.12): a third of the time, and nothing to collect.
  return typeof crypto.hash === 'function'
    ? crypto.hash('sha256', data, 'hex')
    : crypto.createHash('sha256').update(data).digest('hex')
}
