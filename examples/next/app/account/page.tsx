import { redirect } from 'next/navigation'
import { readSession } from '../../session'

export default async function Account() {
  const { userId } = await readSession()
  if (userId === undefined) redirect('/')
  return <p>The account of {userId}.</p>
}
