import { fail, redirect } from '@sveltejs/kit'
import type { Actions, PageServerLoad } from './$types'

const USERS = ['ada', 'grace']

export const load: PageServerLoad = ({ locals: { session } }) => {
  return { userId: session.userId, values: session.values() }
}

/** Form actions: `<form method="post" action="?/signIn">`. */
export const actions = {
  signIn: async ({ locals, url }) => {
    const user = USERS.find((known) => known === url.searchParams.get('user')) // stands for your own check
    if (user === undefined) return fail(403, { message: 'no such user' })
    locals.session.setUserId(user)
    redirect(303, '/') // what it throws, SvelteKit catches: the hook sees a response
  },
  signOut: async ({ locals }) => {
    locals.session.destroy()
    redirect(303, '/')
  },
} satisfies Actions
