import { readSession } from '../session'
import { signIn, signOut } from './actions'

/** A server component: it reads the session. Its forms call server actions, with and without scripts. */
export default async function Page() {
  const session = await readSession()
  const { userId } = session
  return (
    <main>
      <p>
        {`Hello ${userId ?? 'stranger'}. Clicks: ${session.get('clicks') ?? 0}. ` +
          `Theme: ${session.get('theme') ?? 'none'}. Language: ${session.get('language') ?? 'none'}.`}
      </p>
      <form action={userId === undefined ? signIn : signOut}>
        <input name="user" defaultValue="ada" />
        <button type="submit">{userId === undefined ? 'Sign in' : 'Sign out'}</button>
      </form>
    </main>
  )
}
