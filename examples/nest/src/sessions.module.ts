import {
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { type Session, SessionManager } from 'coatcheck'
import { PostgresStore } from 'coatcheck/stores/postgres'
import pg from 'pg'

/** What the application keeps in its sessions. */
export interface Values {
  clicks: number
  theme: string
  language: string
}

/** The session of the request, as the parameter of a route handler; the same on both platforms. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext): Session<Values> => context.switchToHttp().getRequest().session,
)

async function createManager(db: pg.Pool): Promise<SessionManager<Values>> {
  const store = new PostgresStore({ db })
  await store.migrate()
  return new SessionManager<Values>({ store, authKey: process.env.AUTH_KEY })
}

/** Provides the manager, for `app.get(SessionManager)` and for services that list or revoke sessions. */
@Module({
  providers: [
    { provide: pg.Pool, useFactory: () => new pg.Pool({ connectionString: process.env.DATABASE_URL }) },
    { provide: SessionManager, useFactory: createManager, inject: [pg.Pool] },
  ],
  exports: [SessionManager],
})
export class SessionsModule implements OnApplicationShutdown {
  readonly #manager: SessionManager<Values>
  readonly #db: pg.Pool

  constructor(@Inject(SessionManager) manager: SessionManager<Values>, @Inject(pg.Pool) db: pg.Pool) {
    this.#manager = manager
    this.#db = db
  }

  /** After the last answer, once `app.enableShutdownHooks()` has been called. */
  async onApplicationShutdown(): Promise<void> {
    await this.#manager.close()
    await this.#db.end()
  }
}
