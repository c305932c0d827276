import { Controller, ForbiddenException, Get, Header, HttpCode, Inject, Post, Query } from '@nestjs/common'
import { getSession, type Session, SessionManager } from 'coatcheck'
import { CurrentSession, type Values } from './sessions.module.js'

const USERS = ['ada', 'grace']

@Controller()
export class HelloController {
  readonly #manager: SessionManager<Values>

  constructor(@Inject(SessionManager) manager: SessionManager<Values>) {
    this.#manager = manager
  }

  @Get()
  @Header('Content-Type', 'text/plain; charset=utf-8')
  hello(@CurrentSession() session: Session<Values>): string {
    return (
      `Hello ${session.userId ?? 'stranger'}. Clicks: ${session.get('clicks') ?? 0}. ` +
      `Theme: ${session.get('theme') ?? 'none'}. Language: ${session.get('language') ?? 'none'}.`
    )
  }

  @Post('sign-in')
  @HttpCode(204)
  signIn(@CurrentSession() session: Session<Values>, @Query('user') name: string): void {
    const user = USERS.find((known) => known === name) // stands for your own check
    if (user === undefined) throw new ForbiddenException('no such user')
    session.setUserId(user)
  }

  @Post('click')
  @HttpCode(204)
  async click(@CurrentSession() session: Session<Values>): Promise<void> {
    await session.update('clicks', (clicks = 0) => clicks + 1)
  }

  @Post('choose')
  @HttpCode(204)
  choose(@Query() choices: Record<string, string>): void {
    const session = getSession(this.#manager) // the same, where no parameter reaches: in a service, say
    for (const key of ['theme', 'language'] as const)
      if (choices[key] !== undefined) session?.set(key, choices[key])
  }

  @Post('sign-out')
  @HttpCode(204)
  signOut(@CurrentSession() session: Session<Values>): void {
    session.destroy()
  }
}
