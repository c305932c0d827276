import type { MemoryStore } from 'coatcheck/stores/memory'
import type { StoreCase } from 'coatcheck/testing'

/** A store with one fault. */
export type Mutant = new () => MemoryStore

/**
 * Stores with one fault each, by the fault. Every one of them has stood in a session library or would be easy
 * to write; the contract is worth something only if it turns each of them down.
 */
export type Mutants = Readonly<Record<string, Mutant>>

/** Whether a case of the contract turns this store down. */
export async function isFailedBy(Store: Mutant, { run }: StoreCase): Promise<boolean> {
  return run(new Store()).then(
    () => false,
    () => true,
  )
}
