import { Form } from 'react-router'
import { sessionContext } from '../sessions'
import type { Route } from './+types/home'

/** With a loader, the middleware runs for client-side navigation as well. */
export function loader({ context }: Route.LoaderArgs) {
  const session = context.get(sessionContext)
  return { userId: session.userId, values: session.values() }
}

export default function Home({ loaderData: { userId, values } }: Route.ComponentProps) {
  const { clicks = 0, theme = 'none', language = 'none' } = values
  return (
    <main>
      <p>{`Hello ${userId ?? 'stranger'}. Clicks: ${clicks}. Theme: ${theme}. Language: ${language}.`}</p>
      <Form method="post" action={userId === undefined ? '/sign-in?user=ada' : '/sign-out'}>
        <button type="submit">{userId === undefined ? 'I am ada' : 'Sign out'}</button>
      </Form>
    </main>
  )
}
