class Markup {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** Markup that is safe to send: only {@link html} makes it. */
export type Html = Markup

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
  return new Markup(literals.map((literal, index) => literal + toMarkup(parts[index])).join(''))
}

function toMarkup(part: HtmlPart): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Markup) return part.toString()
  if (typeof part === 'object') return part.join('')
  return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
