/** Sessions under NestJS: `node dist/main.js`, on Express; with `PLATFORM=fastify`, on Fastify. */
import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import { type INestApplication, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { SessionManager } from 'coatcheck'
import * as express from 'coatcheck/adapters/express'
import * as fastify from 'coatcheck/adapters/fastify'
import { HelloController } from './hello.controller.js'
import { SessionsModule, type Values } from './sessions.module.js'

@Module({ imports: [SessionsModule], controllers: [HelloController] })
class AppModule {}

async function onExpress(): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule)
  app.use(express.sessions<Values>(app.get(SessionManager)))
  return app
}

async function onFastify(): Promise<INestApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter())
  await app.register(fastify.sessions<Values>(app.get(SessionManager)))
  return app
}

const app = await (process.env.PLATFORM === 'fastify' ? onFastify() : onExpress())
app.enableShutdownHooks() // or nothing is closed on SIGTERM
const server = await app.listen(process.env.PORT ?? 3000, '127.0.0.1')
console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
