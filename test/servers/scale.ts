/** By what the sizes of the long tests are multiplied: `COATCHECK_LONG=1` is for machines with time. */
export const scale: number = process.env.COATCHECK_LONG === '1' ? 20 : 1
