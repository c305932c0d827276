import type { NextConfig } from 'next'

export default {
  // Loaded once, and not bundled into each part of the application: `error instanceof SessionError` then holds everywhere.
  serverExternalPackages: ['coatcheck'],
} satisfies NextConfig
