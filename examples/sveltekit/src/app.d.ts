import type { Session } from 'coatcheck'

declare global {
  namespace App {
    interface Locals {
      session: Session<Values>
    }
  }

  /** What the application keeps in its sessions. */
  interface Values {
    clicks: number
    theme: string
    language: string
  }
}
