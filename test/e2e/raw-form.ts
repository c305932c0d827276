import { request } from 'node:http'

/** What came back, as far as the tests look at it. */
export interface Answer {
  readonly status: number | undefined
  readonly setCookie: readonly string[] | undefined
}

/** Headers by lower-case name; a list is sent as several lines. */
export type RawHeaders = Readonly<Record<string, string | readonly string[]>>

/** Sends the theme form by hand, with headers that a browser lets no page choose. A GET sends nothing. */
export function sendForm(url: string, method: string, headers: RawHeaders): Promise<Answer> {
  const [path, body] = method === 'GET' ? ['/', ''] : ['/theme', 'theme=dark']
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${url.replace('localhost', '127.0.0.1')}${path}`,
      {
        method,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': body.length,
          ...toLists(headers),
        },
      },
      (response) => {
        response.resume()
        resolve({ status: response.statusCode, setCookie: response.headers['set-cookie'] })
      },
    )
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

function toLists(headers: RawHeaders): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}
