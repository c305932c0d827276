import type { Session, SessionInfo } from 'coatcheck'
import { deviceName, isHandheld } from '../device-name.ts'
import { type Html, html } from '../html.ts'
import type { InboxValues } from '../session-values.ts'
import { timeText } from '../time-text.ts'
import { computer, handheld } from './icons.ts'
import { frameOf, layout } from './layout.ts'

/** Every device that a person is signed in on, this one first. */
export function devicesPage(
  session: Session<InboxValues>,
  userId: string,
  devices: readonly SessionInfo[],
): Html {
  const now = new Date()
  const here = devices.filter(({ id }) => id === session.id)
  const others = devices.filter(({ id }) => id !== session.id)
  const main = html`<div class="heading">
<h1>Signed-in devices</h1>
<p class="hint">Everywhere that ${userId} is signed in. Sign out what you do not recognise.</p>
</div>
<h2 class="hidden">This device</h2>
<ul class="list" aria-label="This device">${here.map((device) => item(device, now, thisDevice))}</ul>
<div class="heading with-action">
<h2>Other devices</h2>
${
  others.length > 0 &&
  html`<form method="post" action="/devices/end-others"><button class="danger">Sign out all others</button></form>`
}
</div>
${
  others.length === 0
    ? html`<p class="hint">You are signed in nowhere else.</p>`
    : html`<ul class="list" aria-label="Other devices">${others.map((device) => item(device, now, endDevice(device)))}</ul>`
}`
  return layout({ ...frameOf(session), title: 'Devices', path: '/devices', main })
}

const thisDevice = html`<span class="badge">This device</span>`

function endDevice({ id }: SessionInfo): Html {
  return html`<form method="post" action="/devices/${id}/end">
<button class="quiet danger" aria-describedby="device-${id}">Sign out</button>
</form>`
}

function item(device: SessionInfo, now: Date, action: Html): Html {
  const { id, userAgent, address, signedInAt, lastSeenAt, expiresAt } = device
  return html`<li class="card device">
${isHandheld(userAgent) ? handheld : computer}
<div class="row">
<h3 id="device-${id}">${deviceName(userAgent)}</h3>
${action}
</div>
<dl>
<div><dt>Address</dt><dd>${address ?? 'unknown'}</dd></div>
<div><dt>Signed in</dt><dd>${timeText(signedInAt, now)}</dd></div>
<div><dt>Last used</dt><dd>${timeText(lastSeenAt, now)}</dd></div>
<div><dt>Ends</dt><dd>${timeText(expiresAt, now)}</dd></div>
</dl>
</li>`
}
