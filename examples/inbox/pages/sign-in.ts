import type { Session } from 'coatcheck'
import { type Html, html } from '../html.ts'
import type { InboxValues } from '../session-values.ts'
import { frameOf, layout } from './layout.ts'

/** What to say beside the form. */
export interface SignInNotes {
  readonly hint?: string | undefined
  readonly problem?: string | undefined
  /** The name as it was typed. */
  readonly name?: string | undefined
}

/** The page of somebody who is not signed in. */
export function signInPage(session: Session<InboxValues>, { hint, problem, name }: SignInNotes): Html {
  const main = html`<div class="welcome">
<div class="pitch">
<h1>Notes to yourself, kept where you signed in.</h1>
<ul class="facts">
<li><strong>Yours on this device.</strong> Notes live in your session and go when it ends.</li>
<li><strong>You see every device.</strong> Sign one out from any other, or all of them at once.</li>
<li><strong>Nothing before you sign in.</strong> No cookie until there is something to remember.</li>
</ul>
</div>
<section class="card" aria-labelledby="sign-in">
<h2 id="sign-in">Sign in</h2>
${hint !== undefined && html`<p class="flash" role="status">${hint}</p>`}
<form class="stack" method="post" action="/sign-in">
<div class="field">
<label for="name">Your name</label>
<input id="name" name="name" value="${name ?? ''}" maxlength="60" autocomplete="username" autocapitalize="words" spellcheck="false" required${problem !== undefined && html` aria-invalid="true" aria-describedby="name-problem"`}>
${problem !== undefined && html`<p class="problem-text" id="name-problem" role="alert">${problem}</p>`}
</div>
<div class="choice">
<input id="remember" type="checkbox" name="remember" value="yes" aria-describedby="remember-hint">
<label for="remember">Remember me on this device</label>
<p class="hint" id="remember-hint">For up to 30 days. Otherwise until you close the browser, 12 hours at most.</p>
</div>
<button class="primary">Sign in</button>
</form>
<p class="hint">This inbox shows how sessions work, so it asks for no password: any name will do.</p>
</section>
</div>`
  return layout({ ...frameOf(session), title: 'Sign in', path: '/', main })
}
