import type { SessionManager } from 'coatcheck'
import { Router } from 'express'
import { devicesPage } from '../pages/devices.ts'
import type { InboxValues } from '../session-values.ts'
import type { Visits } from '../visits.ts'

/** Where a person is signed in, and ending that. */
export function deviceRoutes(visits: Visits, manager: SessionManager<InboxValues>): Router {
  const show = visits.signedIn(async ({ session, userId }) => {
    const devices = await manager.listSessions(userId)
    return { page: devicesPage(session, userId, devices) }
  })

  const endOne = visits.signedIn(async ({ session, userId, request }) => {
    const id = String(request.params.id)
    if (id === session.id) {
      session.destroy()
      return { goTo: '/' }
    }
    const wasThere = await manager.revoke(userId, id)
    const text = wasThere ? 'That device is signed out.' : 'That device was signed out already.'
    session.set('flash', { kind: 'done', text })
    return { goTo: '/devices' }
  })

  const endOthers = visits.signedIn(async ({ session, userId }) => {
    const count = await manager.revokeAll(userId, { except: session.id })
    const text = count === 1 ? 'One other device is signed out.' : `${count} other devices are signed out.`
    session.set('flash', { kind: 'done', text })
    return { goTo: '/devices' }
  })

  return Router()
    .get('/devices', show)
    .post('/devices/end-others', endOthers)
    .post('/devices/:id/end', endOne)
}
