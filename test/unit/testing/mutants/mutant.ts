import type { MemoryStore } from 'coatcheck/stores/memory'

/**
 * Stores with one fault each, by the fault. Every one of them has stood in a session library or would be easy
 * to write; the contract is worth something only if it turns each of them down.
 */
export type Mutants = Readonly<Record<string, new () => MemoryStore>>
