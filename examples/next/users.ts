const USERS = ['ada', 'grace']

/** Stands for the check of a password, a passkey or another site's answer. @returns who it is. */
export function checkUser(name: unknown): string | undefined {
  return USERS.find((user) => user === name)
}
