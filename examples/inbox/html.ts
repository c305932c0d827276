/** Markup that is safe to send: made by {@link html} only. */
export class Html {
  readonly #markup: string

  private constructor(markup: string) {
    this.#markup = markup
  }

  /** The markup as text. */
  toString(): string {
    return this.#markup
  }

  /** Puts literal parts and what stands between them together. */
  static join(literals: readonly string[], parts: readonly HtmlPart[]): Html {
    return new Html(literals.map((literal, index) => literal + toMarkup(parts[index])).join(''))
  }
}

/** What may stand in a template: text is escaped, markup is kept, `undefined` and `false` leave nothing. */
export type HtmlPart = string | number | false | undefined | Html | readonly Html[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Makes markup of a template, escaping every text in it. Attribute values need their quotes. */
export function html(literals: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return Html.join(literals, parts)
}

function toMarkup(part: HtmlPart): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.toString()
  if (typeof part === 'object') return part.join('')
  return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
