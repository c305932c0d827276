import type { Server } from 'node:http'
import type { Exchange, Session, SessionManager, Store } from 'coatcheck'
import 'coatcheck/adapters/express/global'
import type { Express, NextFunction, Request, Response } from 'express'
import type pg from 'pg'

/** What fragments of the documentation may stand on: `given: app, manager`. Declared only; nothing of it runs. */
export declare const app: Express
export declare const exchange: Exchange
export declare const manager: SessionManager
export declare const next: NextFunction
export declare const pool: pg.Pool
export declare const req: Request
export declare const res: Response
export declare const server: Server
export declare const session: Session
export declare const sessionId: string
export declare const store: Store
export declare const userId: string
