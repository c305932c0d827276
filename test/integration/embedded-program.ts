import { EmbeddedStore } from 'coatcheck/stores/embedded'
import { aRecord, NOW } from 'coatcheck/testing'

// Run by embedded-directory.test.ts, each time as a process of its own: opens the directory, says how that went,
// creates a session for each line that it reads, and says its id.
const [, , directory] = process.argv
try {
  const store = await EmbeddedStore.open(directory)
  console.log('open')
  process.stdin.on('data', async () => {
    const record = aRecord({ userId: 'ada' })
    await store.create(record, NOW)
    console.log(record.id)
  })
  process.stdin.once('end', () => void store.close())
} catch (error) {
  console.log(`refused: ${error instanceof Error ? error.message : error}`)
}
