'use server'

import { redirect } from 'next/navigation'
import { changeSession } from '../session'
import { checkUser } from '../users'

export async function signIn(form: FormData): Promise<void> {
  const user = checkUser(form.get('user'))
  if (user === undefined) throw new Error('no such user')
  await changeSession((session) => session.setUserId(user))
}

export async function signOut(): Promise<void> {
  await changeSession((session) => session.destroy())
  redirect('/') // after the commit: it throws
}
